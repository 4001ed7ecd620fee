#include "controller/oracle/question.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "controller/oracle/membership.hpp"

namespace conntruth::oracle {
namespace {

Status check_target(const world::World& world, const Entry& entry) {
  if (entry.target.address.is_unspecified() || entry.target.port == 0) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("entry.target {} is not an address and port; give both", entry.target.to_string()));
  }
  if (!entry.service.empty() && world.service(entry.service) == nullptr) {
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("entry.service {} is not in the world; leave it empty for a deleted Service", entry.service));
  }
  if ((entry.kind == EntryKind::kName) != !entry.name.empty()) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("entry.name \"{}\" at an entry of kind {}: names have one, others none", entry.name,
                            to_string(entry.kind)));
  }
  const bool over_http = !http_path(entry.kind).empty();
  if (over_http && owner_of(world, entry.target.address) == nullptr) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("entry.target {} is no Node's address: health endpoints are", entry.target.to_string()));
  }
  if (entry.node.empty()) return {};
  const world::Node* node = world.node(entry.node);
  if (node == nullptr) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("entry.node {} is not in the world; add the Node or name another", entry.node));
  }
  if ((entry.kind == EntryKind::kNodePort || over_http) && owner_of(world, entry.target.address) != node) {
    return fail(ErrorCode::kInvalidInput, fmt::format("entry.target {} is not an address of entry.node {}",
                                                      entry.target.to_string(), entry.node));
  }
  return {};
}

// A node's process may leave the choice of its source to the kernel; then the node's first address stands for it.
Result<IpAddress> client_address(const Vantage& vantage, const world::Node& node, Family family) {
  if (!vantage.source.is_unspecified()) {
    if (vantage.source.family() == family) return vantage.source;
    return fail(ErrorCode::kInvalidInput, fmt::format("vantage.source {} of {} is not {} as the target is",
                                                      vantage.source.to_string(), vantage.name(), to_string(family)));
  }
  const auto own = addresses_of(node, family);
  if (vantage.kind == VantageKind::kNode && !own.empty()) return own.front();
  return fail(ErrorCode::kInvalidInput,
              fmt::format("{} has no {} address to start from; set vantage.source", vantage.name(), to_string(family)));
}

}  // namespace

const world::Node* owner_of(const world::World& world, const IpAddress& address) {
  const auto owns = [&](const world::Node& node) { return contains(node.addresses, address); };
  const auto found = std::ranges::find_if(world.nodes, owns);
  return found == world.nodes.end() ? nullptr : &*found;
}

std::vector<IpAddress> addresses_of(const world::Node& node, Family family) {
  std::vector<IpAddress> members;
  std::ranges::copy_if(node.addresses, std::back_inserter(members),
                       [family](const IpAddress& address) { return address.family() == family; });
  return members;
}

Result<Question> ask(const world::World& world, const Flow& flow) {
  const world::Node* node = world.node(flow.vantage.node);
  if (node == nullptr) {
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("vantage.node \"{}\" is not in the world; add the Node or name another", flow.vantage.node));
  }
  if (const Status status = check_target(world, flow.entry); !status) return std::unexpected(status.error());
  if (!http_path(flow.entry.kind).empty() && flow.protocol != Protocol::kTcp) {
    return fail(ErrorCode::kInvalidInput, fmt::format("entry {} is asked over HTTP: protocol {} does not fit",
                                                      to_string(flow.entry.kind), to_string(flow.protocol)));
  }
  if (flow.entry.kind == EntryKind::kName && flow.protocol != Protocol::kUdp) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("names are asked for over udp, not {}", to_string(flow.protocol)));
  }
  const auto client = client_address(flow.vantage, *node, flow.family());
  if (!client) return std::unexpected(client.error());
  return Question{&world, &flow, node, *client};
}

}  // namespace conntruth::oracle
