#include "agent/witness_watch.hpp"

#include <algorithm>
#include <iterator>

#include "agent/observe/ruleset.hpp"

namespace conntruth::agent {

namespace {

constexpr auto kWalkLost = "walk-ring-full";            // events of the packet walk that found no room
constexpr auto kRulesLost = "rule-traces-lost";         // events of the packet filter, or messages of several
constexpr auto kEntriesLost = "conntrack-events-lost";  // messages of connection tracking

}  // namespace

Result<std::unique_ptr<WitnessWatch>> WitnessWatch::start(std::map<NamespaceName, std::string> places,
                                                          std::shared_ptr<observe::KernelSymbols> symbols,
                                                          session::ResultSink& sink, std::vector<std::string>& notes) {
  std::unique_ptr<WitnessWatch> watch(new WitnessWatch(std::move(places), sink));
  observe::WalkOptions options;
  options.places = watch->places_;
  options.symbols = std::move(symbols);
  auto walk = observe::PacketWalk::attach(options);
  if (!walk) return std::unexpected(walk.error());
  watch->start_rules(notes);
  watch->start_entries(notes);
  auto reporter = WalkReporter::start(std::move(*walk), [at_work = watch.get()](std::vector<Hop> hops) {
    if (at_work->rules_) at_work->rules_->saw(hops);
    if (at_work->entries_) at_work->entries_->saw(hops);
    at_work->sink_.hops(std::move(hops));
  });
  if (!reporter) return std::unexpected(reporter.error().in("packet walk"));
  watch->walk_ = std::move(*reporter);
  std::ranges::copy(watch->walk_->unavailable(), std::back_inserter(notes));
  return watch;
}

void WitnessWatch::start_rules(std::vector<std::string>& notes) {
  auto trace = observe::RuleTrace::attach(places_);
  if (!trace) return notes.push_back(trace.error().message);
  std::ranges::copy(trace->unavailable(), std::back_inserter(notes));
  rules_.emplace(std::move(*trace));
  auto thread = DrainThread::start(rules_->fds(), [this] { rules_->drain(); });
  if (thread) {
    rules_thread_ = std::move(*thread);
  } else {
    notes.push_back(thread.error().in("rules of the packet filter").message);
    rules_.reset();
  }
}

void WitnessWatch::start_entries(std::vector<std::string>& notes) {
  auto entries = observe::EntryWatch::attach(places_);
  if (!entries) return notes.push_back(entries.error().message);
  std::ranges::copy(entries->unavailable(), std::back_inserter(notes));
  entries_.emplace(std::move(*entries));
  auto thread = DrainThread::start(entries_->fds(), [this] { entries_->drain(); });
  if (thread) {
    entries_thread_ = std::move(*thread);
  } else {
    notes.push_back(thread.error().in("entries of connection tracking").message);
    entries_.reset();
  }
}

void WitnessWatch::detach() {
  if (walk_) walk_->stop();
  if (entries_thread_) entries_thread_->end();
  if (rules_thread_) rules_thread_->end();
}

// The walk first: only when all its hops are known, it is known whose the traces and the entries are.
void WitnessWatch::stop() {
  detach();
  if (entries_) sink_.entries(entries_->detach());
  if (rules_) {
    rules_->detach();
    sink_.rules(rules_->steps());
  }
  sink_.rulesets(observe::read_rulesets(places_));
}

void WitnessWatch::add_losses(std::map<std::string, std::uint64_t>& losses) const {
  if (walk_) losses[kWalkLost] += walk_->lost();
  if (rules_) losses[kRulesLost] += rules_->lost();
  if (entries_) losses[kEntriesLost] += entries_->lost();
}

}  // namespace conntruth::agent
