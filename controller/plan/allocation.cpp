#include "controller/plan/allocation.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace conntruth::plan {
namespace {

// The first addresses of a range belong to others: the API server, the cluster's DNS.
constexpr std::uint32_t kFirstIndex = 1;
constexpr std::uint32_t kFirstClusterIndex = 1024;

std::uint32_t size_of(const Prefix& prefix) {
  const unsigned bits = (prefix.address.family() == Family::kIpv4 ? 32U : 128U) - prefix.length;
  return bits >= 20 ? 1U << 20U : 1U << bits;
}

std::string_view name_of(Range range) {
  switch (range) {
    case Range::kCluster:
      return "cluster IP";
    case Range::kExternal:
      return "external IP";
    case Range::kLoadBalancer:
      return "load balancer";
  }
  return "?";
}

}  // namespace

Result<IpAddress> Allocation::address(Range range, Family family, const std::string& key) {
  const auto full_key = fmt::format("{} {} {}", name_of(range), to_string(family), key);
  if (const auto known = addresses_.find(full_key); known != addresses_.end()) return known->second;
  const auto& prefixes = range == Range::kCluster    ? ranges_.cluster_ips
                         : range == Range::kExternal ? ranges_.external_ips
                                                     : ranges_.load_balancers;
  const auto prefix = std::ranges::find(prefixes, family, [](const Prefix& each) { return each.address.family(); });
  if (prefix == prefixes.end()) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no {} {} range", to_string(family), name_of(range)));
  }
  const auto size = size_of(*prefix);
  const auto start = range == Range::kCluster && size > 2 * kFirstClusterIndex ? kFirstClusterIndex : kFirstIndex;
  auto& next = next_address_.try_emplace({range, family}, start).first->second;
  while (next + 1 < size && taken_.contains(prefix->at(next))) ++next;
  if (next + 1 >= size) {
    return fail(ErrorCode::kResource,
                fmt::format("the {} {} range {} is used up", to_string(family), name_of(range), prefix->to_string()));
  }
  return addresses_[full_key] = prefix->at(next++);
}

Result<std::uint16_t> Allocation::node_port(const std::string& key) {
  if (const auto known = node_ports_.find(key); known != node_ports_.end()) return known->second;
  while (taken_node_ports_.contains(static_cast<std::uint16_t>(next_node_port_))) ++next_node_port_;
  if (next_node_port_ > ranges_.node_port_last) {
    return fail(ErrorCode::kResource, fmt::format("node ports {}..{} are used up: select fewer scenarios",
                                                  ranges_.node_port_first, ranges_.node_port_last));
  }
  return node_ports_[key] = static_cast<std::uint16_t>(next_node_port_++);
}

Result<std::uint16_t> Allocation::responder_port(const std::string& key) {
  if (const auto known = responder_ports_.find(key); known != responder_ports_.end()) return known->second;
  const auto number = kFirstResponderPort + responder_ports_.size();
  if (number >= kFirstFixedPort) {
    return fail(ErrorCode::kResource, "responder ports 5000..7999 are used up: select fewer scenarios");
  }
  return responder_ports_[key] = static_cast<std::uint16_t>(number);
}

std::uint16_t Allocation::fixed_port(const std::string& place, const std::string& key) {
  auto& of_place = fixed_ports_[place];
  const auto fresh = static_cast<std::uint16_t>(kFirstFixedPort + (fixed_port_offset_ + of_place.size()) % kFixedPorts);
  return of_place.try_emplace(key, fresh).first->second;
}

}  // namespace conntruth::plan
