#pragma once
// The controller's Lease, read as what it is to an agent: a call to a run.
//
// It is live while it is renewed: each change that is seen, by this node's own clock, counts for the duration that it
// names; no two clocks are compared. One that was left by a dead controller is tried once for that long.
// Threading: one thread at a time.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace conntruth::agent {

struct Summons {
  std::string lease;    // uid: another one is another run
  std::string holder;   // the controller's pod
  std::string address;  // where it listens for agents: "10.244.1.5:7443"
  bool operator==(const Summons&) const = default;
};

class SummonsBook {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // The Lease as JSON. kInvalidInput where it says nothing that can be followed; then there are no summons.
  [[nodiscard]] Status seen(std::string_view lease, TimePoint now);
  void gone() { summons_.reset(); }
  // What was seen last, live or not; none where the Lease is gone.
  [[nodiscard]] const std::optional<Summons>& latest() const { return summons_; }
  [[nodiscard]] bool live(TimePoint now) const { return summons_ && now < until_; }
  [[nodiscard]] TimePoint until() const { return until_; }

 private:
  std::optional<Summons> summons_;
  std::string renewed_;
  TimePoint until_;
};

}  // namespace conntruth::agent
