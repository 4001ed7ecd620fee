#pragma once
// Walks as the kernel would give them, step by step, and the cell that they are of: node-1-pod-0 asks ClusterIP
// 10.96.0.10:80, whose endpoint is 10.244.2.10:5000 on node-2.

#include <string>

#include "controller/evidence/walk.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::evidence {

// "10.0.0.1:80"
inline SocketAddress address(std::string_view text) {
  const auto colon = text.rfind(':');
  return {*IpAddress::parse(text.substr(0, colon)),
          static_cast<std::uint16_t>(std::stoi(std::string(text.substr(colon + 1))))};
}

inline const SocketAddress kClient = address("10.244.1.10:40000");
inline const SocketAddress kEntry = address("10.96.0.10:80");
inline const SocketAddress kEndpoint = address("10.244.2.10:5000");
inline const SocketAddress kOther = address("10.244.3.10:5000");  // of no endpoint of the cell's

inline plan::Cell replied_cell() {
  plan::Cell cell;
  cell.id = "web/steady/node-1-pod-0>clusterIP:web:tcp/tcp/ipv4";
  cell.flow.vantage = {VantageKind::kPod, "node-1", "node-1-pod-0", kClient.address};
  cell.flow.entry.target = kEntry;
  cell.expectation.outcomes.replied = true;
  cell.expectation.endpoints = {kEndpoint};
  return cell;
}

// The same without endpoints: it has to be refused.
inline plan::Cell refused_cell() {
  auto cell = replied_cell();
  cell.expectation.outcomes = {.replied = false, .refused = true, .timed_out = false};
  cell.expectation.endpoints.clear();
  return cell;
}

class WalkOf {
 public:
  explicit WalkOf(Outcome outcome) {
    walk_.sample.outcome = outcome;
    walk_.client = "node-1";
  }
  // At that place of that node, as the packet is there.
  WalkOf& step(const std::string& node, const std::string& place, HopKind kind, const SocketAddress& source,
               const SocketAddress& destination) {
    Hop hop;
    hop.kind = kind;
    hop.at_ns = ++time_;
    hop.place = place;
    hop.source = source;
    hop.destination = destination;
    hop.answer = answer_;
    hop.device = "eth0";
    walk_.steps.push_back({node, hop});
    return *this;
  }
  WalkOf& hook(const std::string& node, NetfilterHook hook, std::int32_t priority, const SocketAddress& source,
               const SocketAddress& destination, ConntrackInfo info = ConntrackInfo::kNew) {
    step(node, "", HopKind::kHook, source, destination);
    last().hook = hook;
    last().priority = priority;
    last().conntrack.info = info;
    return *this;
  }
  // The step had an entry that an earlier packet made.
  WalkOf& confirmed() {
    last().conntrack.status |= 0x8;  // IPS_CONFIRMED
    return *this;
  }
  WalkOf& drop(const std::string& node, const std::string& place, const std::string& reason,
               const std::string& function, const SocketAddress& source, const SocketAddress& destination) {
    step(node, place, HopKind::kDropped, source, destination);
    last().reason = reason;
    last().function = function;
    return *this;
  }
  WalkOf& icmp(const std::string& node, const std::string& place, std::uint8_t type, std::uint8_t code,
               const SocketAddress& destination = kEntry) {
    step(node, place, HopKind::kIcmpError, kClient, destination);
    last().icmp_type = type;
    last().icmp_code = code;
    return *this;
  }
  // What follows is on the way back.
  WalkOf& back() {
    answer_ = true;
    return *this;
  }
  // The pod sends, and its node takes it in.
  WalkOf& begins() {
    return step("node-1", "node-1-pod-0", HopKind::kDeviceOut, kClient, kEntry)
        .hook("node-1", NetfilterHook::kPrerouting, -199, kClient, kEntry);
  }
  // As far as the endpoint.
  WalkOf& arrives() {
    return begins()
        .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kEndpoint)
        .step("node-1", "", HopKind::kDeviceOut, kClient, kEndpoint)
        .step("node-2", "", HopKind::kDeviceIn, kClient, kEndpoint)
        .step("node-2", "node-2-pod-0", HopKind::kDeviceIn, kClient, kEndpoint);
  }
  [[nodiscard]] Hop& last() { return walk_.steps.back().hop; }
  operator Walk() const { return walk_; }

 private:
  Walk walk_;
  bool answer_ = false;
  std::int64_t time_ = 0;
};

}  // namespace conntruth::evidence
