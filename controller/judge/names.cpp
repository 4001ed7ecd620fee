#include "controller/judge/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conntruth::judge {

Names::Names(const plan::Plan& plan) {
  for (const auto& node : plan.topology.nodes) {
    nodes_[node.name] = node.name;
    for (const auto& address : node.addresses) owners_[address] = node.name;
    for (const auto& pod : node.pods) {
      nodes_[pod.name] = node.name;
      for (const auto& address : pod.addresses) owners_[address] = pod.name;
    }
  }
  for (const auto& client : plan.topology.external_clients) {
    for (const auto& via : client.via) {
      for (const auto& address : via.sources) owners_[address] = client.name;
    }
  }
  for (const auto& planned : plan.responders) {
    responders_[planned.spec.id] = &planned;
    if (!planned.foreign) continue;
    for (const auto& address : planned.addresses)
      foreign_.emplace(SocketAddress{address, planned.spec.port}, planned.spec.place);
  }
}

std::string Names::owner(const IpAddress& address) const {
  const auto found = owners_.find(address);
  return found == owners_.end() ? std::string() : found->second;
}

std::string Names::describe(const IpAddress& address) const {
  const auto name = owner(address);
  return name.empty() ? address.to_string() : fmt::format("{} ({})", address.to_string(), name);
}

std::string Names::responder(std::uint32_t id) const {
  const auto found = responders_.find(id);
  if (found == responders_.end()) return fmt::format("responder {}", id);
  const auto& planned = *found->second;
  return fmt::format("{}:{}", planned.spec.place.empty() ? planned.agent : planned.spec.place, planned.spec.port);
}

SocketAddress Names::responder_address(std::uint32_t id, Family family) const {
  const auto found = responders_.find(id);
  if (found == responders_.end()) return {};
  return {address_of(found->second->addresses, family), found->second->spec.port};
}

bool Names::answers_at(std::uint32_t id, Protocol protocol, const SocketAddress& address) const {
  const auto found = responders_.find(id);
  if (found == responders_.end()) return false;
  const auto& spec = found->second->spec;
  const auto& addresses = found->second->addresses;
  return spec.protocol == protocol && spec.port == address.port &&
         std::find(addresses.begin(), addresses.end(), address.address) != addresses.end();
}

std::string Names::responder_agent(std::uint32_t id) const {
  const auto found = responders_.find(id);
  return found == responders_.end() ? std::string() : found->second->agent;
}

std::string Names::endpoint(const SocketAddress& address) const {
  if (const auto theirs = foreign_.find(address); theirs != foreign_.end())
    return fmt::format("{}:{}", theirs->second, address.port);
  const auto name = owner(address.address);
  return name.empty() ? address.to_string() : fmt::format("{}:{}", name, address.port);
}

std::string Names::node_of(const std::string& owner) const {
  const auto found = nodes_.find(owner);
  return found == nodes_.end() ? std::string() : found->second;
}

std::string describe(const Flow& flow) {
  std::string entry(to_string(flow.entry.kind));
  if (!flow.entry.node.empty()) entry += " on " + flow.entry.node;
  if (!flow.entry.service.empty()) entry += " of " + flow.entry.service;
  return fmt::format("{} to {}/{} ({})", flow.vantage.name(), flow.entry.target.to_string(), to_string(flow.protocol),
                     entry);
}

namespace {

// RFC 792 and RFC 1812 for IPv4, RFC 4443 for IPv6; what a Service dataplane can make.
std::string_view icmp_name(Family family, std::uint8_t type, std::uint8_t code) {
  if (family == Family::kIpv4 && type == 3) {
    switch (code) {
      case 0:
        return "network unreachable";
      case 1:
        return "host unreachable";
      case 2:
        return "protocol unreachable";
      case 3:
        return "port unreachable";
      case 9:
      case 10:
      case 13:
        return "administratively prohibited";
      default:
        return "destination unreachable";
    }
  }
  if (family == Family::kIpv6 && type == 1) {
    switch (code) {
      case 0:
        return "no route to destination";
      case 1:
        return "administratively prohibited";
      case 3:
        return "address unreachable";
      case 4:
        return "port unreachable";
      default:
        return "destination unreachable";
    }
  }
  return "error";
}

}  // namespace

std::string describe(const Refusal& refusal, const Names& names) {
  const auto from = refusal.from.is_unspecified() ? "an unknown sender" : names.describe(refusal.from);
  switch (refusal.kind) {
    case RefusalKind::kIcmp:
      return fmt::format("ICMP {} ({}/{}) from {}",
                         icmp_name(refusal.from.family(), refusal.icmp_type, refusal.icmp_code), refusal.icmp_type,
                         refusal.icmp_code, from);
    case RefusalKind::kReset:
      return "TCP reset from " + from;
    case RefusalKind::kAbort:
      return "SCTP abort from " + from;
    case RefusalKind::kNone:
      return "a refusal of unknown kind from " + from;
  }
  return from;
}

std::string of(std::uint64_t part, std::uint64_t whole) {
  return part == whole && whole > 1 ? fmt::format("all {}", whole) : fmt::format("{} of {}", part, whole);
}

std::string join(const std::vector<std::string>& words) {
  constexpr std::size_t kShown = 6;
  if (words.empty()) return "none";
  if (words.size() == 1) return words.front();
  if (words.size() > kShown) {
    return fmt::format("{} and {} more", fmt::join(words.begin(), words.begin() + kShown, ", "), words.size() - kShown);
  }
  return fmt::format("{} and {}", fmt::join(words.begin(), words.end() - 1, ", "), words.back());
}

std::string milliseconds(std::int64_t nanoseconds) {
  return fmt::format("{:.3f} ms", static_cast<double>(nanoseconds) / 1e6);
}

}  // namespace conntruth::judge
