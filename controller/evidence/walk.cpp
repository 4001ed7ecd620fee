#include "controller/evidence/walk.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace conntruth::evidence {

namespace {

constexpr std::int32_t kDestinationNat = -100;  // NF_IP_PRI_NAT_DST of include/uapi/linux/netfilter_ipv4.h
constexpr std::uint32_t kConfirmed = 0x8;       // IPS_CONFIRMED of include/uapi/linux/netfilter/nf_conntrack_common.h

auto order(const Step& step) { return std::tie(step.hop.at_ns, step.node, step.hop.place, step.hop.kind); }

// The client's kernel resets SYN-ACKs that it did not ask for, and refuses such datagrams: those that answer crafted
// probes, which are none of its sockets'.
bool is_refusal(const Hop& hop) {
  return (hop.kind == HopKind::kIcmpError || hop.kind == HopKind::kReset) && !hop.answer;
}

template <typename Wanted>
const Step* first_of(const Walk& walk, Wanted wanted) {
  const auto found = std::ranges::find_if(walk.steps, wanted);
  return found == walk.steps.end() ? nullptr : &*found;
}

std::string what(const Hop& hop) {
  switch (hop.kind) {
    case HopKind::kDeviceIn:
      return fmt::format("in {}", hop.device);
    case HopKind::kDeviceOut:
      return fmt::format("out {}", hop.device);
    case HopKind::kHook:
      return fmt::format("{} {}", to_string(hop.hook), hop.priority);
    case HopKind::kDropped:
      return fmt::format("dropped: {}{}{}", hop.reason, hop.function.empty() ? "" : " in ", hop.function);
    case HopKind::kIcmpError:
      return fmt::format("ICMP error {}/{}", hop.icmp_type, hop.icmp_code);
    case HopKind::kReset:
      return "RST";
  }
  return "?";
}

std::string entry_of(const HopConntrack& conntrack) {
  if (conntrack.info == ConntrackInfo::kNone) return "";
  if (conntrack.original_source.address.is_unspecified()) return fmt::format("  ct {}", to_string(conntrack.info));
  return fmt::format("  ct {} {}{} > {} | {} > {}", to_string(conntrack.info),
                     (conntrack.status & kConfirmed) != 0 ? "" : "unconfirmed ", conntrack.original_source.to_string(),
                     conntrack.original_destination.to_string(), conntrack.reply_source.to_string(),
                     conntrack.reply_destination.to_string());
}

}  // namespace

void put_in_order(Walk& walk) {
  std::ranges::sort(walk.steps, [](const Step& a, const Step& b) { return order(a) < order(b); });
  const auto rest = std::ranges::unique(walk.steps);
  walk.steps.erase(rest.begin(), rest.end());
  const auto by_node = [](const MetRule& met) { return std::tie(met.node, met.step.order); };
  std::ranges::sort(walk.rules, [&](const MetRule& a, const MetRule& b) { return by_node(a) < by_node(b); });
  const auto twice = std::ranges::unique(walk.rules);
  walk.rules.erase(twice.begin(), twice.end());
}

std::string to_text(const Walk& walk) {
  std::string text;
  const auto begin = walk.steps.empty() ? 0 : walk.steps.front().hop.at_ns;
  for (const auto& step : walk.steps) {
    const auto& hop = step.hop;
    text += fmt::format("{:>9.1f} us  {:<16} {:<3} {:<28} {} > {}{}\n", static_cast<double>(hop.at_ns - begin) / 1000,
                        step.where(), hop.answer ? "<" : ">", what(hop), hop.source.to_string(),
                        hop.destination.to_string(), entry_of(hop.conntrack));
  }
  return text;
}

std::vector<const Step*> steps_of(const Walk& walk, Way way) {
  std::vector<const Step*> steps;
  for (const auto& step : walk.steps) {
    if (step.hop.answer == (way == Way::kBack)) steps.push_back(&step);
  }
  return steps;
}

const Step* last_of(const Walk& walk, Way way) {
  const auto steps = steps_of(walk, way);
  return steps.empty() ? nullptr : steps.back();
}

const Step* last_at(const Walk& walk, Way way, const std::string& where) {
  const auto steps = steps_of(walk, way);
  const auto found =
      std::find_if(steps.rbegin(), steps.rend(), [&](const Step* step) { return step->where() == where; });
  return found == steps.rend() ? nullptr : *found;
}

const Step* drop_of(const Walk& walk, Way way) {
  return first_of(walk, [&](const Step& step) {
    // Our own answerers' sockets filter away what is answered by a raw socket.
    const bool ours = step.hop.reason == "SOCKET_FILTER";
    return step.hop.kind == HopKind::kDropped && !ours && step.hop.answer == (way == Way::kBack);
  });
}

const Step* translation_of(const Walk& walk, const SocketAddress& target) {
  return first_of(walk, [&](const Step& step) {
    return !step.hop.answer && !is_refusal(step.hop) && step.hop.destination != target;
  });
}

// Translation by rules has its turn at -100 of the output hook, and not before.
const Step* translation_at_socket(const Walk& walk, const SocketAddress& target) {
  const auto there = steps_of(walk, Way::kThere);
  if (there.empty() || there.front()->hop.destination == target) return nullptr;
  const auto& hop = there.front()->hop;
  const bool comes_from_socket =
      hop.kind == HopKind::kHook && hop.hook == NetfilterHook::kOutput && hop.priority < kDestinationNat;
  return comes_from_socket ? there.front() : nullptr;
}

const Step* entry_of_before(const Walk& walk) {
  const auto there = steps_of(walk, Way::kThere);
  const auto found = std::ranges::find_if(there, [](const Step* step) {
    const auto& hop = step->hop;
    const bool translates = hop.hook == NetfilterHook::kPrerouting || hop.hook == NetfilterHook::kOutput;
    return hop.kind == HopKind::kHook && translates && (hop.conntrack.status & kConfirmed) != 0;
  });
  return found == there.end() ? nullptr : *found;
}

const Step* source_change_of(const Walk& walk) {
  const auto there = steps_of(walk, Way::kThere);
  const auto found = std::ranges::find_if(there, [&](const Step* step) {
    return step->hop.source.address != there.front()->hop.source.address && !is_refusal(step->hop);
  });
  return found == there.end() ? nullptr : *found;
}

const Step* step_to_itself(const Walk& walk) {
  return first_of(walk, [](const Step& step) {
    const auto& hop = step.hop;
    return !hop.answer && !hop.place.empty() && hop.kind != HopKind::kHook &&
           hop.source.address == hop.destination.address;
  });
}

const Step* last_hook(const Walk& walk, const Step& step) {
  const Step* found = nullptr;
  for (const auto& each : walk.steps) {
    if (each.hop.at_ns > step.hop.at_ns) break;
    if (each.hop.kind == HopKind::kHook && each.where() == step.where() && each.hop.answer == step.hop.answer)
      found = &each;
  }
  return found;
}

const Step* answer_with(const Walk& walk, ConntrackInfo info) {
  return first_of(walk, [&](const Step& step) { return step.hop.answer && step.hop.conntrack.info == info; });
}

const Step* reset_of_answer(const Walk& walk) {
  return first_of(walk, [](const Step& step) { return step.hop.answer && step.hop.kind == HopKind::kReset; });
}

const Step* refusal_of(const Walk& walk) {
  return first_of(walk, [](const Step& step) { return is_refusal(step.hop); });
}

}  // namespace conntruth::evidence
