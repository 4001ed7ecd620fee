#include "agent/observe/rule_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <unordered_map>

#include "agent/io/clock.hpp"
#include "agent/observe/rule_listing.hpp"
#include "agent/observe/rule_steps.hpp"
#include "agent/observe/trace_join.hpp"
#include "agent/observe/trace_place.hpp"

namespace conntruth::observe {

namespace {

constexpr std::size_t kMostEvents = 200'000;  // some tens of megabytes

std::string named(const NamespaceName& place) { return place.empty() ? "the node" : place; }

bool is_own(const TraceEvent& event) { return event.table.starts_with(std::string("inet ") + kTraceTable); }

}  // namespace

struct RuleTrace::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { leave(); }

  struct Place {
    NamespaceName name;
    TracePlace trace;
    std::unordered_map<std::uint32_t, std::size_t> current = {};  // packet → its run, index into `runs`
  };

  [[nodiscard]] Status add_place(const NamespaceName& name, const std::string& path);
  void take(std::size_t place, std::vector<TraceEvent> events);
  void drain();
  void leave() {
    for (auto& place : places) place.trace.leave(nft);
  }

  io::MonotonicClock clock;
  NftThread nft;
  std::vector<Place> places;
  std::map<NamespaceName, std::size_t> index;
  std::vector<TracedRun> runs;
  std::size_t events = 0;
  TraceJoin join;
  std::vector<std::string> unavailable;
  std::atomic<std::uint64_t> lost = 0;
};

Status RuleTrace::State::add_place(const NamespaceName& name, const std::string& path) {
  auto attached = TracePlace::attach(path, nft);
  if (!attached) return std::unexpected(attached.error());
  if (const auto& legacy = attached->legacy_tables(); !legacy.empty()) {
    unavailable.push_back(fmt::format("rules of {}: those of iptables-legacy (tables {}) are not traced", named(name),
                                      fmt::join(legacy, ", ")));
  }
  index.emplace(name, places.size());
  places.push_back({name, std::move(*attached)});
  return {};
}

// The first event of each chain at a hook quotes the packet; what follows of the same packet belongs to it.
void RuleTrace::State::take(std::size_t place, std::vector<TraceEvent> all) {
  auto& current = places[place].current;
  for (auto& event : all) {
    if (event.packet) {
      current.erase(event.packet_id);
      if (is_own(event)) continue;
      current.emplace(event.packet_id, runs.size());
      runs.push_back({place, clock.now_ns(), *event.packet, {}});
      event.packet.reset();
    }
    const auto run = current.find(event.packet_id);
    if (run == current.end() || is_own(event)) continue;
    if (events == kMostEvents) {
      ++lost;
      continue;
    }
    ++events;
    runs[run->second].events.push_back(std::move(event));
  }
}

void RuleTrace::State::drain() {
  for (std::size_t i = 0; i < places.size(); ++i)
    lost += places[i].trace.drain([&](std::vector<TraceEvent> read) { take(i, std::move(read)); });
}

RuleTrace::RuleTrace(std::unique_ptr<State> state) : state_(std::move(state)) {}
RuleTrace::RuleTrace(RuleTrace&&) noexcept = default;
RuleTrace& RuleTrace::operator=(RuleTrace&&) noexcept = default;
RuleTrace::~RuleTrace() = default;

Result<RuleTrace> RuleTrace::attach(const std::map<NamespaceName, std::string>& places) {
  auto state = std::make_unique<State>();
  if (auto added = state->add_place("", ""); !added) {
    const auto& why = added.error();
    return fail(why.code, "rules of the packet filter are not traced here: " + why.message);
  }
  for (const auto& [name, path] : places) {
    if (name.empty()) continue;
    if (auto added = state->add_place(name, path); !added)
      state->unavailable.push_back(fmt::format("rules of {} are not traced: {}", name, added.error().message));
  }
  return RuleTrace(std::move(state));
}

std::vector<int> RuleTrace::fds() const {
  std::vector<int> all;
  for (const auto& place : state_->places) all.push_back(place.trace.fd());
  return all;
}

void RuleTrace::drain() { state_->drain(); }

void RuleTrace::saw(const std::vector<Hop>& hops) {
  for (const auto& hop : hops) {
    if (const auto place = state_->index.find(hop.place); place != state_->index.end())
      state_->join.saw(place->second, hop);
  }
}

void RuleTrace::detach() {
  state_->leave();
  state_->drain();
}

std::vector<RuleStep> RuleTrace::steps() {
  std::erase_if(state_->runs, [](const TracedRun& run) { return run.events.empty(); });
  const auto owners = state_->join.owners(state_->runs);
  std::vector<RuleStep> steps;
  for (std::size_t i = 0; i < state_->places.size(); ++i) {
    const auto& [name, trace, current] = state_->places[i];
    const auto told = state_->nft.run(trace.path(), [&]() -> Status {
      auto session = NftSession::open();
      if (!session) return std::unexpected(session.error());
      PlaceRules rules([&](const std::string& command) { return session->run(command); });
      for (std::size_t run = 0; run < owners.size(); ++run) {
        if (state_->runs[run].place != i || !owners[run]) continue;
        rules.tell(state_->runs[run], *owners[run], name, steps);
      }
      return {};
    });
    if (!told) state_->unavailable.push_back(fmt::format("rules of {}: {}", named(name), told.error().message));
  }
  for (std::size_t run = 0; run < owners.size(); ++run) {
    if (!owners[run]) state_->lost += state_->runs[run].events.size();
  }
  return steps;
}

std::uint64_t RuleTrace::lost() const { return state_->lost; }
const std::vector<std::string>& RuleTrace::unavailable() const { return state_->unavailable; }

}  // namespace conntruth::observe
