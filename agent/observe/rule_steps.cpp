#include "agent/observe/rule_steps.hpp"

#include <algorithm>

namespace conntruth::observe {

namespace {

constexpr std::size_t kMostQuestions = 200;  // to the kernel, each a look into a map

}  // namespace

// A table that is gone has no chains: its rules then have no text.
const ListedTable& PlaceRules::table(const std::string& name) {
  const auto [position, is_new] = tables_.try_emplace(name);
  if (is_new) {
    if (const auto listed = ask_("list table " + name)) position->second = read_listing(*listed);
  }
  return position->second;
}

const ListedChain* PlaceRules::chain(const std::string& table_name, const std::string& name) {
  const auto& chains = table(table_name);
  const auto found = chains.find(name);
  return found == chains.end() ? nullptr : &found->second;
}

bool PlaceRules::is_missing(const std::string& table_name, const MapLookup& lookup) {
  if (lookup.alone) return true;
  const auto question = "get element " + table_name + " " + lookup.map + " { " + lookup.key + " }";
  if (const auto known = missing_.find(question); known != missing_.end()) return known->second;
  if (missing_.size() == kMostQuestions) return false;
  return missing_.emplace(question, !ask_(question).has_value()).first->second;
}

// The chain came to its end, or to a rule that dropped, so each of its rules had its turn up to there; those that are
// not among the run's did not apply.
void PlaceRules::tell_misses(const TracedRun& run, const RuleStep& end, std::vector<RuleStep>& steps) {
  const auto* listed = chain(end.table, end.chain);
  if (listed == nullptr) return;
  for (const auto& rule : listed->rules) {
    if (end.event == RuleEvent::kRule && rule.handle == end.handle) return;
    const auto lookup = lookup_of(rule.text, run.packet);
    if (!lookup) continue;
    const bool applied = std::ranges::any_of(run.events, [&](const TraceEvent& event) {
      return event.handle == rule.handle && event.chain == end.chain && event.table == end.table;
    });
    if (applied || !is_missing(end.table, *lookup)) continue;
    auto miss = end;
    miss.order = static_cast<std::uint32_t>(steps.size());
    miss.event = RuleEvent::kMiss;
    miss.verdict = RuleVerdict::kContinue;
    miss.handle = rule.handle;
    miss.text = "no element " + lookup->key + " in map " + lookup->map;
    steps.push_back(std::move(miss));
  }
}

void PlaceRules::tell(const TracedRun& run, const TraceJoin::Owner& owner, const NamespaceName& place,
                      std::vector<RuleStep>& steps) {
  const auto& first = run.events.front();
  const auto* at_hook = chain(first.table, first.chain);
  const auto base = at_hook != nullptr && at_hook->base ? *at_hook->base : BaseHook{};
  const bool dropped =
      std::ranges::any_of(run.events, [](const TraceEvent& event) { return event.verdict == RuleVerdict::kDrop; });
  const TraceEvent* before = nullptr;
  for (const auto& event : run.events) {
    // Some kernels tell the end of a chain at a hook before its policy, others the policy alone.
    const bool ended = before != nullptr && before->event == RuleEvent::kEnd && before->chain == event.chain;
    before = &event;
    RuleStep step{.probe = owner.probe,
                  .answer = owner.answer,
                  .order = static_cast<std::uint32_t>(steps.size()),
                  .place = place,
                  .protocol = run.packet.protocol.value_or(Protocol::kTcp),
                  .source = run.packet.source,
                  .destination = run.packet.destination,
                  .hook = base.hook.value_or(NetfilterHook::kPrerouting),
                  .priority = base.priority,
                  .nat = base.nat,
                  .event = event.event,
                  .verdict = event.verdict,
                  .to = event.to,
                  .table = event.table,
                  .chain = event.chain,
                  .handle = event.handle,
                  .text = {},
                  .mark = event.mark};
    if (event.event != RuleEvent::kRule) {
      if ((base.nat || dropped) && !ended) tell_misses(run, step, steps);
      if (event.verdict != RuleVerdict::kDrop && (!base.nat || ended)) continue;
      step.order = static_cast<std::uint32_t>(steps.size());
    } else if (const auto* listed = chain(event.table, event.chain)) {
      const auto rule = std::ranges::find(listed->rules, event.handle, &ListedRule::handle);
      if (rule != listed->rules.end()) step.text = rule->text;
      if (event.verdict == RuleVerdict::kDrop && rule != listed->rules.end()) tell_misses(run, step, steps);
      step.order = static_cast<std::uint32_t>(steps.size());
    }
    steps.push_back(std::move(step));
  }
}

}  // namespace conntruth::observe
