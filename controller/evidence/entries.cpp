#include "controller/evidence/entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace conntruth::evidence {

namespace {

// Since the first step; an entry that is older has a minus.
std::string since(std::int64_t at_ns, std::int64_t begin_ns) {
  const auto us = static_cast<double>(at_ns - begin_ns) / 1000;
  if (us < 0) return fmt::format("{:.1f} ms before the first step", -us / 1000);
  return us < 1000 ? fmt::format("{:.1f} us after the first step", us)
                   : fmt::format("{:.1f} ms after the first step", us / 1000);
}

std::string beginning(const EntryLife& life, std::int64_t begin_ns) {
  if (life.created_ns != 0) return "created " + since(life.created_ns, begin_ns);
  if (life.before) return "there before the witnesses";
  return "nobody saw it begin";
}

std::string remover(const EntryLife& life) {
  const auto who = life.remover_name.empty() ? fmt::format("netlink port {}, whose process is not known", life.remover)
                                             : life.remover_name;
  if (life.others == 0) return who;
  return fmt::format("{}, with {} other entries", who, life.others);
}

std::string ending(const EntryLife& life, std::int64_t begin_ns) {
  switch (life.end) {
    case EntryEnd::kNone:
      return life.after ? fmt::format("still there afterwards, for {} s", life.timeout_s) : "its end is not known";
    case EntryEnd::kExpired:
      return "expired " + since(life.destroyed_ns, begin_ns);
    case EntryEnd::kDeleted:
      return fmt::format("deleted {} by {}", since(life.destroyed_ns, begin_ns), remover(life));
    case EntryEnd::kByKernel:
      return fmt::format("removed by the kernel before its time, {}", since(life.destroyed_ns, begin_ns));
    case EntryEnd::kUnseen:
      return "gone afterwards, and nobody saw it go";
  }
  return "?";
}

std::string flags(const EntryLife& life) {
  std::string words = (life.status & kEntrySeenReply) != 0 ? "replied" : "unreplied";
  if ((life.status & kEntryAssured) != 0) words += " assured";
  if ((life.status & kEntrySourceNat) != 0) words += " snat";
  if ((life.status & kEntryDestinationNat) != 0) words += " dnat";
  if ((life.status & kEntryDying) != 0) words += " dying";
  if (life.zone != 0) words += fmt::format(" zone={}", life.zone);
  if (life.mark != 0) words += fmt::format(" mark={:#x}", life.mark);
  return words;
}

auto order(const FollowedEntry& entry) {
  const auto& life = entry.life;
  return std::tie(entry.node, life.place, life.created_ns, life.destroyed_ns, life.original_source,
                  life.original_destination, life.zone, life.id);
}

}  // namespace

void Entries::take(const std::string& node, const EntryLife& life) {
  const auto add = [&](const SocketAddress& source, const SocketAddress& destination) {
    auto& known = by_packet_[{node, life.place, life.protocol, source, destination}];
    if (known.empty() || known.back() != all_.size()) known.push_back(all_.size());
  };
  add(life.original_source, life.original_destination);
  add(life.reply_destination, life.reply_source);
  all_.push_back({node, life});
}

std::vector<FollowedEntry> Entries::of(const std::vector<Step>& steps) const {
  std::set<std::size_t> found;
  const auto look = [&](const Step& step, const SocketAddress& source, const SocketAddress& destination) {
    const auto known = by_packet_.find({step.node, step.hop.place, step.hop.protocol, source, destination});
    if (known != by_packet_.end()) found.insert(known->second.begin(), known->second.end());
  };
  for (const auto& step : steps) {
    const auto& hop = step.hop;
    // An ICMP error's ports are those of the packet that it quotes.
    if (hop.kind == HopKind::kIcmpError || hop.kind == HopKind::kReset || hop.icmp_type != 0) continue;
    hop.answer ? look(step, hop.destination, hop.source) : look(step, hop.source, hop.destination);
    if (!hop.conntrack.original_source.address.is_unspecified())
      look(step, hop.conntrack.original_source, hop.conntrack.original_destination);
  }
  std::vector<FollowedEntry> result;
  for (const auto index : found) result.push_back(all_[index]);
  std::ranges::sort(result, [](const auto& a, const auto& b) { return order(a) < order(b); });
  const auto twice = std::ranges::unique(result);
  result.erase(twice.begin(), twice.end());
  return result;
}

std::string life_to_text(const EntryLife& life, std::int64_t begin_ns) {
  auto text = beginning(life, begin_ns) + ", " + ending(life, begin_ns);
  if (life.gaps) text += "; some of the kernel's messages were lost";
  return text;
}

std::string entries_to_text(const Walk& walk) {
  std::string text;
  const auto begin = walk.steps.empty() ? 0 : walk.steps.front().hop.at_ns;
  for (const auto& entry : walk.entries) {
    const auto& life = entry.life;
    const bool known = !life.reply_source.address.is_unspecified();
    const bool translates =
        life.reply_source != life.original_destination || life.reply_destination != life.original_source;
    text += fmt::format("  {:<16} {} {} > {}{}  {}\n", entry.where(), to_string(life.protocol),
                        life.original_source.to_string(), life.original_destination.to_string(),
                        known && translates ? fmt::format(", translated to {} > {}", life.reply_destination.to_string(),
                                                          life.reply_source.to_string())
                                            : "",
                        flags(life));
    text += fmt::format("  {:<16} {}\n", "", life_to_text(life, begin));
  }
  return text;
}

}  // namespace conntruth::evidence
