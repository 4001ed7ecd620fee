#include "lab/proxy/ruleset_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "lab/proxy/base_chains.hpp"
#include "lab/proxy/service_view.hpp"

namespace conntruth::lab_proxy {
namespace {

using Targets = std::vector<SocketAddress>;

// Letters that nft takes in a name; a valid Kubernetes name has no others.
std::string safe(std::string text) {
  std::ranges::replace_if(text, [](unsigned char each) { return std::isalnum(each) == 0 && each != '-'; }, '_');
  return text;
}

// nft has no ':' in names.
std::string name_of(const SocketAddress& endpoint) {
  auto address = endpoint.address.to_string();
  std::ranges::replace(address, ':', '.');
  return fmt::format("{}/{}", address, endpoint.port);
}

std::string join(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const auto& each : prefixes) text += (text.empty() ? "" : ", ") + each.to_string();
  return text;
}

// Adds what one Service port needs to a table.
class PortWriter {
 public:
  PortWriter(Table& table, const ServiceView& view, const PodCidrs& pods, const std::vector<IpAddress>& own_addresses)
      : table_(table),
        view_(view),
        pods_(pods),
        own_addresses_(own_addresses),
        ip_(header_of(view.family)),
        protocol_(to_string(view.port->protocol)),
        suffix_(fmt::format("{}/{}/{}/{}", safe(view.service->namespace_name), safe(view.service->name), protocol_,
                            view.port->port)) {}

  void write() {
    write_internal();
    if (view_.node_port != 0) write_node_port();
    if (!view_.load_balancers.empty()) write_balancers();
    if (!view_.external_ips.empty()) write_external_ips();
    for (const auto* targets : {&view_.endpoints.cluster, &view_.endpoints.local}) {
      for (const auto& each : *targets) {
        const auto address = each.address.to_string();
        table_.sets.at(kHairpins).elements.emplace(address + " . " + address, "");
      }
    }
  }

 private:
  enum class Reach { kServed, kDrop, kReject };

  static bool is_local(world::TrafficPolicy policy) { return policy == world::TrafficPolicy::kLocal; }

  // What becomes of a flow from outside this node under a policy.
  [[nodiscard]] Reach reach(world::TrafficPolicy policy) const {
    if (view_.endpoints.cluster.empty()) return Reach::kReject;  // then no local one is left either
    return is_local(policy) && view_.endpoints.local.empty() ? Reach::kDrop : Reach::kServed;
  }

  static std::string verdict(Reach reach) {
    return reach == Reach::kDrop ? "drop" : fmt::format("goto {}", kRejectChain);
  }

  [[nodiscard]] std::string port_key(std::uint16_t port) const { return fmt::format("{} . {}", protocol_, port); }

  void dispatch(const char* map, const std::string& key, const std::string& verdict) {
    table_.sets.at(map).elements.try_emplace(key, verdict);  // an address and port claimed twice stays with the first
  }

  [[nodiscard]] std::string sticky_set(const SocketAddress& endpoint) const {
    return fmt::format("affinity/{}/{}", suffix_, name_of(endpoint));
  }

  // The end of a rule: note the client where affinity asks for it, then translate.
  std::string translate(const SocketAddress& endpoint) {
    std::string note;
    if (view_.service->affinity_timeout_s) {
      const auto set = sticky_set(endpoint);
      // The kernel allocates a table for as many clients at once, for every endpoint.
      table_.sets[set] = {"set",
                          fmt::format("{{ type {}; flags dynamic,timeout; size 4096; }}",
                                      view_.family == Family::kIpv4 ? "ipv4_addr" : "ipv6_addr"),
                          {}};
      note = fmt::format("update @{} {{ {} saddr timeout {}s }} ", set, ip_, *view_.service->affinity_timeout_s);
    }
    return fmt::format("{}meta l4proto {} dnat to {}", note, protocol_, endpoint.to_string());
  }

  // A chain that picks one of the targets, each with the same chance: the first of n with 1/n, the next with 1/(n-1) of
  // what is left, and so on. (A map of numbers would need a set of its own in the kernel for every chain, and reading
  // those back made each small change three times as slow.)
  std::string balance(const char* role, const Targets& targets) {
    auto name = fmt::format("{}/{}", role, suffix_);
    auto& rules = table_.chains[name].rules;
    if (!rules.empty()) return name;
    if (view_.service->affinity_timeout_s) {
      for (const auto& each : targets) {
        rules.push_back(fmt::format("{} saddr @{} {}", ip_, sticky_set(each), translate(each)));
      }
    }
    for (auto left = targets.size(); left > 1; --left) {
      rules.push_back(fmt::format("numgen random mod {} == 0 {}", left, translate(targets[targets.size() - left])));
    }
    rules.push_back(translate(targets.back()));
    return name;
  }

  std::string cluster_chain() { return balance("cluster", view_.endpoints.cluster); }
  std::string local_chain() { return balance("local", view_.endpoints.local); }

  void write_internal() {
    const auto key = fmt::format("{} . {}", view_.cluster_ip.to_string(), port_key(view_.port->port));
    table_.sets.at(kClusterIps).elements.emplace(view_.cluster_ip.to_string(), "");
    const auto policy = view_.service->internal_policy;
    const auto fate = reach(policy);
    if (fate == Reach::kServed) {
      dispatch(kServiceIps, key, "goto " + (is_local(policy) ? local_chain() : cluster_chain()));
    } else {
      dispatch(kUnservedIps, key, verdict(fate));
    }
  }

  // Chain for traffic from outside, or "" where there is no endpoint for anybody. `near_cidrs` names the set of pods
  // that a Local policy does not concern, as they are not outside.
  std::string outside_chain(const char* role, const char* near_cidrs, bool have_cidrs) {
    if (view_.endpoints.cluster.empty()) return "";
    auto name = fmt::format("{}/{}", role, suffix_);
    auto& rules = table_.chains[name].rules;
    if (!rules.empty()) return name;
    if (!is_local(view_.service->external_policy)) {
      rules = {kMarkForMasquerade, "goto " + cluster_chain()};
      return name;
    }
    if (have_cidrs) rules.push_back(fmt::format("{} saddr @{} goto {}", ip_, near_cidrs, cluster_chain()));
    rules.push_back(fmt::format("fib saddr type local {} goto {}", kMarkForMasquerade, cluster_chain()));
    if (!view_.endpoints.local.empty()) rules.push_back("goto " + local_chain());
    return name;
  }

  std::string external_chain() { return outside_chain("external", kPodCidrs, !pods_.all.empty()); }

  void write_outside(const char* served, const char* unserved, const std::string& key, const std::string& chain) {
    if (!chain.empty()) dispatch(served, key, "goto " + chain);
    const auto fate = reach(view_.service->external_policy);
    if (fate != Reach::kServed) dispatch(unserved, key, verdict(fate));
  }

  void write_node_port() {
    // Pods of other nodes reach a node port as any client outside of this node does.
    const auto chain = outside_chain("nodeport", kOwnPodCidrs, !pods_.own.empty());
    write_outside(kServiceNodePorts, kUnservedNodePorts, port_key(view_.node_port), chain);
  }

  void write_external_ips() {
    for (const auto& address : view_.external_ips) {
      const auto key = fmt::format("{} . {}", address.to_string(), port_key(view_.port->port));
      write_outside(kServiceIps, kUnservedIps, key, external_chain());
    }
  }

  void write_balancers() {
    const auto chain = view_.service->source_ranges.empty() ? external_chain() : guarded_chain();
    for (const auto& address : view_.load_balancers) {
      const auto key = fmt::format("{} . {}", address.to_string(), port_key(view_.port->port));
      write_outside(kServiceIps, kUnservedIps, key, chain);
    }
  }

  // Drops whom loadBalancerSourceRanges do not admit, even where there is no endpoint.
  std::string guarded_chain() {
    const auto behind = external_chain();
    const auto admit = behind.empty() ? std::string("return") : "goto " + behind;
    const auto ranges = without_overlaps(view_.service->source_ranges, view_.family);
    auto name = fmt::format("balancer/{}", suffix_);
    auto& rules = table_.chains[name].rules;
    rules.clear();
    if (!ranges.empty()) rules.push_back(fmt::format("{} saddr {{ {} }} {}", ip_, join(ranges), admit));
    const auto holds_own = [&](const Prefix& range) {
      return std::ranges::any_of(own_addresses_, [&](const IpAddress& own) { return range.contains(own); });
    };
    // A process of the node may have the balancer's own address as its source, where that is bound to the node.
    if (std::ranges::any_of(ranges, holds_own)) rules.push_back("fib saddr type local " + admit);
    rules.emplace_back("drop");
    return name;
  }

  Table& table_;
  const ServiceView& view_;
  const PodCidrs& pods_;
  const std::vector<IpAddress>& own_addresses_;
  std::string ip_;
  std::string protocol_;
  std::string suffix_;
};

std::vector<IpAddress> addresses_of(const world::World& world, const std::string& node) {
  for (const auto& each : world.nodes) {
    if (each.name == node) return each.addresses;
  }
  return {};
}

}  // namespace

Ruleset build_ruleset(const world::World& world, const BuildOptions& options) {
  Ruleset ruleset;
  const auto place = place_of(world, options.node);
  const auto own_addresses = addresses_of(world, options.node);
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto pods = pod_cidrs_of(world, options.node, family);
    auto& table = ruleset.tables[family];
    table = base_table(family, pods, options.cluster_ip_ranges);
    for (const auto& view : views_of(world, place, family)) PortWriter(table, view, pods, own_addresses).write();
  }
  return ruleset;
}

}  // namespace conntruth::lab_proxy
