#include "agent/observe/walk_hooks.hpp"

#include <fmt/format.h>

#include <set>

#include "agent/io/netns.hpp"
#include "agent/observe/bpf_call.hpp"

namespace conntruth::observe {

namespace {

constexpr std::int32_t kConntrack = -200;  // NF_IP_PRI_CONNTRACK, the same for IPv6
constexpr int kTries = 20;                 // priorities in a row that others have

}  // namespace

Result<PlaceHooks> PlaceHooks::attach(const std::string& netns, const WalkPrograms& programs) {
  PlaceHooks hooks;
  const auto done = io::in_network_namespace(netns, [&]() -> Status {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) hooks.attach_family(family, programs);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return hooks;
}

void PlaceHooks::attach_family(Family family, const WalkPrograms& programs) {
  const int any = programs.descriptor("before_conntrack");
  // The kernel lets no program have the priority of another hook: by that we learn whether there is one.
  if (any >= 0) {
    const auto attempt = attach_to_hook(any, family, NetfilterHook::kPrerouting, kConntrack);
    tracked_[index(family)] = !attempt && attempt.error().code == ErrorCode::kConflict;
  }
  std::set<std::string> reasons;
  for (const auto& lookout : lookouts()) {
    const int program = programs.descriptor(lookout.program);
    if (program < 0) whole_[index(family)] = false;  // WalkPrograms says why
    if (program < 0) continue;
    const auto attached = attach_one(family, lookout, program);
    if (attached) continue;
    whole_[index(family)] = false;
    if (!reasons.insert(attached.error().message).second) continue;
    missing_.push_back(fmt::format("{} {} at {}: {}", to_string(family), to_string(lookout.hook), lookout.priority,
                                   attached.error().message));
  }
}

Status PlaceHooks::attach_one(Family family, const Lookout& lookout, int program) {
  Error last;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    auto link = attach_to_hook(program, family, lookout.hook, lookout.priority + attempt * lookout.step);
    if (link) {
      links_.push_back(std::move(*link));
      return {};
    }
    last = link.error();
    if (last.code != ErrorCode::kConflict) break;
  }
  return std::unexpected(last);
}

std::vector<std::uint32_t> PlaceHooks::link_ids() const {
  std::vector<std::uint32_t> ids;
  ids.reserve(links_.size());
  for (const auto& link : links_) ids.push_back(id_of(link.get()));
  return ids;
}

}  // namespace conntruth::observe
