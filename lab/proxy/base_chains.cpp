#include "lab/proxy/base_chains.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conntruth::lab_proxy {
namespace {

void add_sets(Table& table, Family family) {
  const auto* address = family == Family::kIpv4 ? "ipv4_addr" : "ipv6_addr";
  const auto by_address = fmt::format("{{ type {} . inet_proto . inet_service : verdict; }}", address);
  const std::string by_port = "{ type inet_proto . inet_service : verdict; }";
  const auto intervals = fmt::format("{{ type {}; flags interval; }}", address);
  table.sets = {{kServiceIps, {"map", by_address, {}}},
                {kUnservedIps, {"map", by_address, {}}},
                {kServiceNodePorts, {"map", by_port, {}}},
                {kUnservedNodePorts, {"map", by_port, {}}},
                {kClusterIps, {"set", fmt::format("{{ type {}; }}", address), {}}},
                {kHairpins, {"set", fmt::format("{{ type {0} . {0}; }}", address), {}}},
                {kPodCidrs, {"set", intervals, {}}},
                {kOwnPodCidrs, {"set", intervals, {}}}};
}

void add_prefixes(Table& table, const char* set, const std::vector<Prefix>& prefixes) {
  for (const auto& each : prefixes) table.sets.at(set).elements.emplace(each.to_string(), "");
}

void add_hooks(Table& table, const std::string& ip) {
  table.chains["nat-prerouting"] = {"type nat hook prerouting priority dstnat; policy accept;", {"jump services"}};
  table.chains["nat-output"] = {"type nat hook output priority -100; policy accept;", {"jump services"}};
  table.chains["nat-postrouting"] = {
      "type nat hook postrouting priority srcnat; policy accept;",
      {"meta mark & 0x4000 == 0x4000 meta mark set meta mark xor 0x4000 masquerade fully-random",
       // An endpoint that reached itself through a Service would not take an answer from its own address.
       fmt::format("ct status dnat {0} saddr . {0} daddr @{1} masquerade fully-random", ip, kHairpins)}};
  for (const auto* hook : {"input", "forward", "output"}) {
    table.chains[fmt::format("filter-{}", hook)] = {
        fmt::format("type filter hook {} priority filter; policy accept;", hook), {"ct state new jump unserved"}};
  }
}

// Node ports answer on every address of the node but loopback.
std::string by_node_port(const std::string& ip, Family family, const char* map) {
  return fmt::format("{} daddr != {} fib daddr type local meta l4proto . th dport vmap @{}", ip,
                     family == Family::kIpv4 ? "127.0.0.0/8" : "::1", map);
}

std::string by_address(const std::string& ip, const char* map) {
  return fmt::format("{} daddr . meta l4proto . th dport vmap @{}", ip, map);
}

}  // namespace

const char* header_of(Family family) { return family == Family::kIpv4 ? "ip" : "ip6"; }

PodCidrs pod_cidrs_of(const world::World& world, const std::string& node, Family family) {
  PodCidrs cidrs;
  for (const auto& each : world.nodes) {
    cidrs.all.insert(cidrs.all.end(), each.pod_cidrs.begin(), each.pod_cidrs.end());
    if (each.name == node) cidrs.own = each.pod_cidrs;
  }
  return {without_overlaps(std::move(cidrs.all), family), without_overlaps(std::move(cidrs.own), family)};
}

std::vector<Prefix> without_overlaps(std::vector<Prefix> prefixes, Family family) {
  std::ranges::sort(prefixes, {}, [](const Prefix& each) { return std::pair(each.length, each.address); });
  std::vector<Prefix> kept;
  for (const auto& each : prefixes) {
    const auto holds_it = [&](const Prefix& other) { return other.contains(each.address); };
    if (each.address.family() == family && std::ranges::none_of(kept, holds_it)) kept.push_back(each);
  }
  std::ranges::sort(kept);
  return kept;
}

Table base_table(Family family, const PodCidrs& pods, const std::vector<Prefix>& cluster_ip_ranges) {
  Table table;
  const std::string ip = header_of(family);
  add_sets(table, family);
  add_prefixes(table, kPodCidrs, pods.all);
  add_prefixes(table, kOwnPodCidrs, pods.own);
  add_hooks(table, ip);

  auto& services = table.chains["services"].rules;
  // Without pod CIDRs nobody can tell pods from others, and then pods keep their source.
  if (!pods.all.empty()) {
    services.push_back(
        fmt::format("{0} saddr != @{1} {0} daddr @{2} {3}", ip, kPodCidrs, kClusterIps, kMarkForMasquerade));
  }
  services.push_back(by_address(ip, kServiceIps));
  services.push_back(by_node_port(ip, family, kServiceNodePorts));

  table.chains["unserved"].rules = {by_address(ip, kUnservedIps), by_node_port(ip, family, kUnservedNodePorts),
                                    fmt::format("{} daddr @{} goto {}", ip, kClusterIps, kRejectChain)};
  for (const auto& range : without_overlaps(cluster_ip_ranges, family)) {
    table.chains["unserved"].rules.push_back(fmt::format("{} daddr {} drop", ip, range.to_string()));
  }
  table.chains[kRejectChain].rules = {
      fmt::format("reject with {} type port-unreachable", family == Family::kIpv4 ? "icmp" : "icmpv6")};
  return table;
}

}  // namespace conntruth::lab_proxy
