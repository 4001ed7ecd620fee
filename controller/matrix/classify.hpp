#pragma once
// One sample held against the expectation of its cell. Pure.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "controller/matrix/observation.hpp"
#include "controller/matrix/sample_table.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::matrix {

// Who answers at which address: the plan's responders by (protocol, address, port).
class ResponderIndex {
 public:
  explicit ResponderIndex(const plan::Plan& plan);
  // 0 where nobody answers there.
  [[nodiscard]] std::uint32_t find(Protocol protocol, const SocketAddress& endpoint) const;

 private:
  std::unordered_map<SocketAddress, std::uint32_t> by_protocol_[3];
};

// A cell's expectation, ready to classify its samples quickly.
class Classifier {
 public:
  Classifier(const plan::Cell& cell, const ResponderIndex& responders);

  // From now on only this responder is acceptable, if it is (a kept connection has one endpoint).
  void only(std::uint32_t responder);
  // Whether a request without a reply may have got there.
  [[nodiscard]] bool may_arrive(std::uint32_t responder) const;
  [[nodiscard]] SampleKind classify(const Joined& joined, const Said& said = {}) const;
  [[nodiscard]] bool answer_fits(const HttpAnswer& answer) const;
  [[nodiscard]] bool answer_fits(const NameAnswer& answer) const;
  [[nodiscard]] bool is_acceptable(std::uint32_t responder) const;
  [[nodiscard]] bool source_fits(const Joined& replied) const;
  // Responders of the expectation's endpoints, in their order; 0 for one at which nobody answers.
  [[nodiscard]] const std::vector<std::uint32_t>& acceptable() const { return acceptable_; }

 private:
  const plan::Cell* cell_;
  std::vector<std::uint32_t> acceptable_;
  std::vector<std::uint32_t> unanswered_at_;  // where a profile has requests without replies arrive
  std::vector<std::uint32_t> own_;            // a pod that is its own endpoint: the responders at the client's address
};

}  // namespace conntruth::matrix
