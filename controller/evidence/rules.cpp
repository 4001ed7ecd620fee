#include "controller/evidence/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace conntruth::evidence {

namespace {

bool says(const RuleStep& step, std::string_view word) { return step.text.find(word) != std::string::npos; }

bool is_rule(const RuleStep& step) { return step.event == RuleEvent::kRule; }
bool untracks(const RuleStep& step) { return is_rule(step) && says(step, "notrack"); }
bool before_routing(const RuleStep& step) {
  return step.hook == NetfilterHook::kPrerouting || step.hook == NetfilterHook::kOutput;
}
bool after_routing(const RuleStep& step) { return step.hook == NetfilterHook::kPostrouting; }
bool translates(const RuleStep& step) { return is_rule(step) && step.nat && step.verdict == RuleVerdict::kAccept; }
// Without the plugins of iptables, as in our image, nft lists its targets by their names alone.
bool translates_destination(const RuleStep& step) {
  return translates(step) && before_routing(step) &&
         (says(step, "dnat") || says(step, "redirect") || says(step, "XT target DNAT"));
}
bool translates_source(const RuleStep& step) {
  return translates(step) && !before_routing(step) &&
         (says(step, "masquerade") || says(step, "snat") || says(step, "XT target MASQUERADE"));
}

// The rules of one direction on the node of a cause.
class Search {
 public:
  Search(const plan::Cell& cell, const Walk& walk, const std::string& node, bool answer) : cell_(cell) {
    for (const auto& met : walk.rules) {
      if (met.node == node && met.step.answer == answer) steps_.push_back(&met.step);
    }
  }

  using Wanted = std::function<bool(const RuleStep&)>;
  [[nodiscard]] const RuleStep* last(const Wanted& wanted) const {
    const auto found = std::find_if(steps_.rbegin(), steps_.rend(), [&](const auto* step) { return wanted(*step); });
    return found == steps_.rend() ? nullptr : *found;
  }
  [[nodiscard]] const RuleStep* drop() const {
    return last([](const RuleStep& step) { return step.verdict == RuleVerdict::kDrop; });
  }

  // What had to translate, or to refuse where nothing serves, and did not.
  [[nodiscard]] std::string nothing_translated() const {
    if (const auto* untracked = last(untracks)) return describe(*untracked);
    if (const auto* miss = missed_refusal()) return describe(*miss);
    if (const auto* end = end_of_the_service()) return describe(*end);
    if (const auto* miss = missed_entry()) return describe(*miss);
    return ends(before_routing);
  }
  // What had to change the source and did not.
  [[nodiscard]] std::string nothing_masqueraded() const {
    if (const auto* thief = mark_taker()) return describe(*thief);
    const auto decided_by = [&](RuleVerdict verdict) {
      return last([=](const RuleStep& step) {
        return is_rule(step) && step.nat && after_routing(step) && step.verdict == verdict;
      });
    };
    if (const auto* other = decided_by(RuleVerdict::kAccept)) return describe(*other);
    if (const auto* back = decided_by(RuleVerdict::kReturn)) return describe(*back);
    return ends(after_routing);
  }

 private:
  // Whether the rule leads to what is for this Service alone: by its address, or by a look-up.
  [[nodiscard]] bool leads_to_service(const RuleStep& step) const {
    const bool leads = step.verdict == RuleVerdict::kJump || step.verdict == RuleVerdict::kGoto;
    return is_rule(step) && leads && step.nat && before_routing(step) &&
           (says(step, " vmap @") || says(step, cell_.flow.entry.target.address.to_string()));
  }
  // The Service's own chain that came to its end; the last one, as those that it calls end before it.
  [[nodiscard]] const RuleStep* end_of_the_service() const {
    return last([&](const RuleStep& end) {
      return end.event == RuleEvent::kEnd && end.nat && std::ranges::any_of(steps_, [&](const RuleStep* step) {
               return leads_to_service(*step) && step->to == end.chain && step->table == end.table;
             });
    });
  }
  // Node ports are looked up without an address, as they are for every address of the node.
  [[nodiscard]] bool is_miss_of_the_entry(const RuleStep& step) const {
    const bool by_port = cell_.flow.entry.kind == EntryKind::kNodePort;
    return step.event == RuleEvent::kMiss && says(step, cell_.flow.entry.target.address.to_string()) != by_port;
  }
  [[nodiscard]] const RuleStep* missed_entry() const {
    const auto translates = [](const RuleStep& step) {
      return step.event == RuleEvent::kMiss && step.nat && before_routing(step);
    };
    const auto* fitting = last([&](const RuleStep& step) { return translates(step) && is_miss_of_the_entry(step); });
    return fitting != nullptr ? fitting : last(translates);
  }
  // Of those that refuse what has no endpoints.
  [[nodiscard]] const RuleStep* missed_refusal() const {
    if (!cell_.expectation.endpoints.empty()) return nullptr;
    return last([&](const RuleStep& step) { return !step.nat && is_miss_of_the_entry(step); });
  }
  // The chains that ended without a decision, but for those at the hook where there are others.
  [[nodiscard]] std::string ends(bool (*where)(const RuleStep&)) const {
    std::vector<const RuleStep*> inner;
    const RuleStep* outer = nullptr;
    for (const auto* step : steps_) {
      if (step->event == RuleEvent::kMiss || is_rule(*step) || !step->nat || !where(*step)) continue;
      const bool called = std::ranges::any_of(
          steps_, [&](const RuleStep* other) { return other->to == step->chain && other->table == step->table; });
      const bool known = std::ranges::any_of(
          inner, [&](const RuleStep* other) { return other->chain == step->chain && other->table == step->table; });
      if (called && !known) inner.push_back(step);
      if (!called) outer = step;
    }
    if (inner.empty()) return outer != nullptr ? describe(*outer) : "";
    std::string chains;
    for (const auto* step : inner) chains += (chains.empty() ? "" : ", ") + step->chain;
    return inner.size() == 1 ? describe(*inner.front())
                             : fmt::format("no rule matched (table {}, chains {})", inner.front()->table, chains);
  }
  // The rule that took bits from the packet's mark before sources are translated: by marks it is chosen whose.
  [[nodiscard]] const RuleStep* mark_taker() const {
    const RuleStep* taker = nullptr;
    std::uint32_t mark = 0;
    for (const auto* step : steps_) {
      if (!step->place.empty()) continue;  // marks do not go along from one namespace to another
      if (is_rule(*step) && !step->nat && (mark & ~step->mark) != 0) taker = step;
      mark = step->mark;
    }
    return taker;
  }

  const plan::Cell& cell_;
  std::vector<const RuleStep*> steps_;
};

std::string described(const RuleStep* step) { return step == nullptr ? "" : describe(*step); }

std::string rule_of(const plan::Cell& cell, const Walk& walk, const Cause& cause) {
  const Search there(cell, walk, cause.node, false);
  const Search back(cell, walk, cause.node, true);
  switch (cause.code) {
    case CauseCode::kDroppedByRule:
    case CauseCode::kRefusedByRule:
    case CauseCode::kDroppedNotRefused:
      return described(there.drop());
    case CauseCode::kReplyDropped:
    case CauseCode::kRefusalLost:
      return described(back.drop());
    case CauseCode::kNotTranslated:
      return there.nothing_translated();
    case CauseCode::kTranslatedElsewhere:
    case CauseCode::kTranslatedAnyway:
    case CauseCode::kEndpointNeverChosen:
    case CauseCode::kUnevenChoice:
    case CauseCode::kAffinityNotKept:
    case CauseCode::kAffinityNotEnded:
      return described(there.last(translates_destination));
    case CauseCode::kMasqueradeMissing:
    case CauseCode::kHairpinNotMasqueraded:
      return there.nothing_masqueraded();
    case CauseCode::kMasqueradeTooMuch:
      return described(there.last(translates_source));
    case CauseCode::kUntracked:
      return described(there.last(untracks));
    case CauseCode::kReplyUntranslated:
      return described(back.last(untracks));
    case CauseCode::kStaleEntry:
    case CauseCode::kInvalid:
    case CauseCode::kConntrackFull:
    case CauseCode::kHairpinModeOff:
    case CauseCode::kNoRoute:
    case CauseCode::kNeighbourFailed:
    case CauseCode::kTooBig:
    case CauseCode::kLostBetweenNodes:
    case CauseCode::kDropped:
    case CauseCode::kEndpointRefused:
    case CauseCode::kEndpointSilent:
    case CauseCode::kReplyLost:
    case CauseCode::kHealthAnswerWrong:
    case CauseCode::kNameAnswerWrong:
    case CauseCode::kNotReproduced:
    case CauseCode::kUnexplained:
    case CauseCode::kNoEvidence:
      return "";
  }
  return "";
}

std::string verdict_of(const RuleStep& step) {
  return step.to.empty() ? std::string(to_string(step.verdict))
                         : fmt::format("{} {}", to_string(step.verdict), step.to);
}

}  // namespace

std::string describe(const RuleStep& step) {
  const auto where = fmt::format("table {}, chain {}", step.table, step.chain);
  switch (step.event) {
    case RuleEvent::kRule:
      return fmt::format("{} ({}, handle {})", step.text.empty() ? "a rule that was gone right afterwards" : step.text,
                         where, step.handle);
    case RuleEvent::kMiss:
      return fmt::format("{} ({}, handle {})", step.text, where, step.handle);
    case RuleEvent::kEnd:
      return fmt::format("no rule matched ({})", where);
    case RuleEvent::kPolicy:
      return step.verdict == RuleVerdict::kDrop ? fmt::format("policy drop ({})", where)
                                                : fmt::format("no rule matched ({})", where);
  }
  return "";
}

const RuleStep* translator_of(const Walk& walk, const std::string& node) {
  const RuleStep* found = nullptr;
  for (const auto& met : walk.rules) {
    if (met.node == node && !met.step.answer && translates_destination(met.step)) found = &met.step;
  }
  return found;
}

void name_rule(const plan::Cell& cell, const Walk& walk, Cause& cause) {
  cause.rule = rule_of(cell, walk, cause);
  if (!cause.rule.empty()) cause.text += ": " + cause.rule;
}

bool matters(const RuleStep& step) {
  return step.verdict == RuleVerdict::kDrop || step.event == RuleEvent::kMiss || translates_destination(step) ||
         translates_source(step) || untracks(step) || (is_rule(step) && says(step, " vmap @"));
}

std::string rules_to_text(const Walk& walk) {
  std::string text;
  for (const auto& met : walk.rules) {
    if (!matters(met.step)) continue;
    const auto& step = met.step;
    const bool decided = is_rule(step) && step.verdict != RuleVerdict::kContinue;
    text += fmt::format("{:<16} {:<3} {:<28} {}{}\n", met.where(), step.answer ? "<" : ">",
                        fmt::format("{} {}", to_string(step.hook), step.priority), describe(step),
                        decided ? ": " + verdict_of(step) : "");
  }
  return text;
}

}  // namespace conntruth::evidence
