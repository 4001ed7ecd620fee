#pragma once
// Names for people: whose address it is, which responder, which flow. Pure look-ups in the plan.
// Threading: values that point into the plan; it must outlive them.

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/matrix/observation.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::judge {

class Names {
 public:
  explicit Names(const plan::Plan& plan);

  // "node-1-pod-0", "node-2", "external"; "" where nobody of the topology has it.
  [[nodiscard]] std::string owner(const IpAddress& address) const;
  // "10.244.1.2 (node-1-pod-0)", or the bare address.
  [[nodiscard]] std::string describe(const IpAddress& address) const;
  // The place and port of a responder: "node-1-pod-0:8080"; "responder 7" where the plan has none.
  [[nodiscard]] std::string responder(std::uint32_t id) const;
  // Its address of that family with its port; unspecified where it has none.
  [[nodiscard]] SocketAddress responder_address(std::uint32_t id, Family family) const;
  // True where it answers that protocol at that address.
  [[nodiscard]] bool answers_at(std::uint32_t id, Protocol protocol, const SocketAddress& address) const;
  // The agent that runs it; "" where the plan has none.
  [[nodiscard]] std::string responder_agent(std::uint32_t id) const;
  // "node-1-pod-0:8080" where the address is known, else "10.0.0.9:8080".
  [[nodiscard]] std::string endpoint(const SocketAddress& address) const;
  // The node of a pod or node of that name; "" for others.
  [[nodiscard]] std::string node_of(const std::string& owner) const;

 private:
  std::unordered_map<IpAddress, std::string> owners_;
  std::map<std::uint32_t, const plan::PlannedResponder*> responders_;
  std::map<SocketAddress, std::string> foreign_;  // other people's endpoints by what these call them
  std::map<std::string, std::string> nodes_;
};

// "node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web)"
[[nodiscard]] std::string describe(const Flow& flow);
// "ICMP port unreachable (3/3) from 10.0.0.1 (node-1)", "TCP reset from ..."
[[nodiscard]] std::string describe(const Refusal& refusal, const Names& names);
// "11 of 280"; "all 280" where both are equal and more than one.
[[nodiscard]] std::string of(std::uint64_t part, std::uint64_t whole);
// "a", "a and b", "a, b and c"; beyond six the rest as a number.
[[nodiscard]] std::string join(const std::vector<std::string>& words);
// 12345678 → "12.346 ms"
[[nodiscard]] std::string milliseconds(std::int64_t nanoseconds);

}  // namespace conntruth::judge
