#include "agent/observe/trace_join.hpp"

#include <algorithm>

namespace conntruth::observe {

namespace {

bool fits(const TracedPacket& packet, ProbeId probe) {
  return (!packet.task || *packet.task == task_of(probe)) &&
         (!packet.sequence || *packet.sequence == sequence_of(probe));
}

}  // namespace

TraceJoin::Key TraceJoin::key_of(std::size_t place, const TracedPacket& packet) {
  const auto protocol = packet.protocol ? static_cast<std::uint8_t>(*packet.protocol) : std::uint8_t{0};
  return {place, protocol, packet.source, packet.destination};
}

void TraceJoin::saw(std::size_t place, const Hop& hop) {
  const bool has_ports = hop.source.port != 0 || hop.destination.port != 0;
  const auto protocol = has_ports ? static_cast<std::uint8_t>(hop.protocol) : std::uint8_t{0};
  auto& all = seen_[{place, protocol, hop.source, hop.destination}];
  const Owner owner{hop.probe, hop.answer};
  const auto known = std::ranges::find(all, owner, &Seen::owner);
  if (known == all.end()) {
    all.push_back({hop.at_ns, owner});
  } else {
    known->at_ns = std::min(known->at_ns, hop.at_ns);
  }
}

std::vector<TraceJoin::Seen> TraceJoin::candidates(const TracedRun& run) const {
  const auto found = seen_.find(key_of(run.place, run.packet));
  if (found == seen_.end()) return {};
  std::vector<Seen> all = found->second;
  // What a segment of a kernel's own connection carries is no id: the flow alone tells whose it is.
  const auto rest =
      std::ranges::stable_partition(all, [&](const Seen& each) { return fits(run.packet, each.owner.probe); });
  if (rest.begin() != all.begin()) all.erase(rest.begin(), all.end());
  std::ranges::sort(all, {}, &Seen::at_ns);
  return all;
}

std::vector<std::optional<TraceJoin::Owner>> TraceJoin::owners(const std::vector<TracedRun>& runs) const {
  using Id = std::pair<std::optional<std::uint32_t>, std::optional<std::uint32_t>>;
  using Chain = std::tuple<Key, std::string, std::string, Id>;
  std::map<Chain, std::vector<std::size_t>> by_chain;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& first = runs[i].events.front();
    const auto& packet = runs[i].packet;
    by_chain[{key_of(runs[i].place, packet), first.table, first.chain, {packet.task, packet.sequence}}].push_back(i);
  }
  std::vector<std::optional<Owner>> owners(runs.size());
  for (const auto& [chain, members] : by_chain) {
    const auto all = candidates(runs[members.front()]);
    if (all.empty()) continue;
    for (std::size_t n = 0; n < members.size(); ++n) {
      if (members.size() == all.size()) {
        owners[members[n]] = all[n].owner;
        continue;
      }
      // The last that was there before the trace was read.
      const auto later = std::ranges::upper_bound(all, runs[members[n]].read_ns, {}, &Seen::at_ns);
      owners[members[n]] = later == all.begin() ? all.front().owner : std::prev(later)->owner;
    }
  }
  return owners;
}

}  // namespace conntruth::observe
