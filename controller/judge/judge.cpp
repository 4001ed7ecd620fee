#include "controller/judge/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "controller/judge/findings.hpp"
#include "controller/judge/pattern.hpp"
#include "controller/plan/dependence.hpp"

namespace conntruth::judge {

namespace {

CellVerdict verdict(Verdict value, ReasonCode code, std::string text) {
  return {value, {{code, std::move(text)}}, std::nullopt};
}

// Agents that went away and their words, to stand behind "missing".
std::string lost_agents(const matrix::RunFacts& facts) {
  std::vector<std::string> words;
  for (const auto& agent : facts.agents) {
    if (!agent.error.empty()) words.push_back(fmt::format("{}: {}", agent.agent, agent.error));
  }
  return words.empty() ? std::string() : "; lost agents: " + join(words);
}

// The tool's own failures: nothing may be concluded from a cell that was not fully probed.
std::optional<CellVerdict> tool_trouble(const CellContext& context) {
  const auto& seen = context.seen;
  const auto flow = describe(context.cell.flow);
  if (seen.received == 0) {
    return verdict(Verdict::kError, ReasonCode::kNoSamples,
                   fmt::format("none of {} planned probes from {} was reported{}", seen.planned, flow,
                               lost_agents(context.facts)));
  }
  if (seen.outcomes.tool_error > 0) {
    return verdict(Verdict::kError, ReasonCode::kToolError,
                   fmt::format("{} probes from {} failed in the tool: {}", of(seen.outcomes.tool_error, seen.received),
                               flow, seen.first_error.empty() ? "no text was given" : seen.first_error));
  }
  if (seen.missing > 0) {
    return verdict(Verdict::kError, ReasonCode::kMissingSamples,
                   fmt::format("{} of {} planned probes from {} were not reported{}", seen.missing, seen.planned, flow,
                               lost_agents(context.facts)));
  }
  return std::nullopt;
}

// Of an endpoint that is not ours nothing else is known than whether it answers.
std::string foreign_failure(const CellContext& context, const plan::Control& control,
                            const matrix::ControlObservation& seen) {
  return fmt::format(
      "the endpoint {} itself does not answer {} there: asked without the Service, {} (replied {}, refused {}, timed "
      "out {}); its application is down, or a NetworkPolicy keeps it from this client",
      context.names.responder(control.responder), context.cell.flow.vantage.name(),
      seen.right == 0 ? std::string("no probe was answered")
                      : of(seen.planned - seen.right, seen.planned) + " were not answered by it",
      seen.outcomes.replied, seen.outcomes.refused, seen.outcomes.timed_out);
}

std::string demand(const plan::Control& control, const Names& names) {
  if (!control.positive) return "refused";
  return control.responder == 0 ? "answered" : "answered by " + names.responder(control.responder);
}

std::optional<CellVerdict> control_trouble(const CellContext& context, const plan::Stage& stage,
                                           const matrix::StageObservation& observed) {
  CellVerdict result{Verdict::kInvalid, {}, std::nullopt};
  for (const auto index : context.cell.controls) {
    if (index >= stage.controls.size() || index >= observed.controls.size()) continue;
    const auto& control = stage.controls[index];
    const auto& seen = observed.controls[index];
    if (seen.received < seen.planned || seen.outcomes.tool_error > 0 || seen.planned == 0) {
      result.reasons.push_back(
          {ReasonCode::kControlMissing,
           fmt::format("{}: {} of {} probes have evidence{}", control.id, seen.received - seen.outcomes.tool_error,
                       seen.planned, seen.first_error.empty() ? "" : "; first error: " + seen.first_error)});
    } else if (seen.right < seen.planned && control.foreign) {
      result.reasons.push_back({ReasonCode::kControlFailed, foreign_failure(context, control, seen)});
    } else if (seen.right < seen.planned) {
      result.reasons.push_back({ReasonCode::kControlFailed,
                                fmt::format("{}: {} of {} probes were {} (replied {}, refused {}, timed out {})",
                                            control.id, seen.right, seen.planned, demand(control, context.names),
                                            seen.outcomes.replied, seen.outcomes.refused, seen.outcomes.timed_out)});
    }
  }
  if (result.reasons.empty()) return std::nullopt;
  // A control that was seen to fail says more than one without evidence.
  std::stable_sort(result.reasons.begin(), result.reasons.end(),
                   [](const Reason& a, const Reason& b) { return a.code < b.code; });
  return result;
}

void append(Reasons& all, Reasons more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

CellVerdict scored(const CellContext& context, Reasons findings, Reason expected) {
  CellVerdict result;
  if (!context.cell.expectation.scored) {
    result.verdict = Verdict::kRecorded;
    result.reasons.push_back({ReasonCode::kNotScored, "recorded, not judged: " + expected.text});
    append(result.reasons, std::move(findings));
  } else if (findings.empty()) {
    result.verdict = Verdict::kPass;
    result.reasons.push_back(std::move(expected));
  } else {
    result.verdict = Verdict::kFail;
    result.reasons = std::move(findings);
  }
  return result;
}

CellVerdict judge_follow(const CellContext& context) {
  const auto& times = context.seen.follow;
  if (times.right_before > 0) {
    return verdict(Verdict::kInvalid, ReasonCode::kNothingToFollow,
                   fmt::format("{} right answers from {} came before the change", times.right_before,
                               describe(context.cell.flow)));
  }
  Reason followed{ReasonCode::kAsExpected, {}};
  if (times.first_right_ns) {
    followed.text = fmt::format("the first right answer from {} came {} after the change", describe(context.cell.flow),
                                milliseconds(*times.first_right_ns));
  }
  return scored(context, follow_findings(context), std::move(followed));
}

CellVerdict judge_leave(const CellContext& context) {
  const auto& last = context.seen.follow.last_wrong_ns;
  Reason left{ReasonCode::kAsExpected,
              fmt::format("no flow from {} reached the endpoint after it was taken away", describe(context.cell.flow))};
  if (last) {
    left.text = fmt::format("the last flow from {} that reached the endpoint was opened {} after it was taken away",
                            describe(context.cell.flow), milliseconds(*last));
  }
  return scored(context, leave_findings(context), std::move(left));
}

CellVerdict judge_flows(const CellContext& context) {
  std::optional<stats::ShareTest> shares;
  auto findings = outcome_findings(context);
  append(findings, endpoint_findings(context));
  append(findings, source_findings(context));
  append(findings, http_findings(context));
  append(findings, name_findings(context));
  append(findings, spread_findings(context, shares));
  auto result = scored(context, std::move(findings), as_expected(context));
  result.shares = shares;
  return result;
}

// Why the cell's probes were not handed to an agent; none where they were.
std::optional<CellVerdict> not_run(const plan::Cell& cell, const matrix::StageFacts& stage, bool left_out,
                                   const matrix::RunFacts& facts) {
  const bool follows = cell.rule == plan::CellRule::kFollow && cell.changed_ns == 0;
  if (follows ? stage.published_ns == 0 : !stage.probed) {
    return verdict(
        Verdict::kNotRun, ReasonCode::kRunEnded,
        facts.ended_early.empty() ? "the run ended before this cell" : "the run ended early: " + facts.ended_early);
  }
  if (!follows && !stage.unsettled.empty()) {
    return verdict(Verdict::kInvalid, ReasonCode::kWorldChanged,
                   "the world changed by itself while it was probed: " + stage.unsettled);
  }
  if (follows || !left_out) return std::nullopt;
  return verdict(Verdict::kNotRun, ReasonCode::kAgentLost,
                 "not probed: it needs an agent that was gone by then" + lost_agents(facts));
}

// What a run that reads cannot judge.
std::optional<CellVerdict> reading_trouble(const CellContext& context, const matrix::StageFacts& facts) {
  const auto& service = context.cell.flow.entry.service;
  if (facts.changed.contains(service)) {
    return verdict(Verdict::kInvalid, ReasonCode::kWorldChanged,
                   fmt::format("{} or its endpoints changed in the API while {} was probed; run it again", service,
                               describe(context.cell.flow)));
  }
  const auto& seen = context.seen;
  const bool udp = context.cell.flow.protocol == Protocol::kUdp;
  if (!udp || !context.cell.expectation.outcomes.replied || seen.foreign.unseen < seen.received) return std::nullopt;
  return verdict(Verdict::kInvalid, ReasonCode::kNotSeen,
                 fmt::format("{} flows from {} were neither refused nor known to connection tracking: where they went "
                             "is not known",
                             of(seen.foreign.unseen, seen.received), describe(context.cell.flow)));
}

// Linux's own times: net/netfilter/nf_conntrack_proto_udp.c, as lab nodes have them for these flows.
constexpr std::chrono::seconds kUdpRemembered{30};
constexpr std::chrono::seconds kUdpStreamRemembered{120};
constexpr std::chrono::seconds kUdpStreamAfter{2};

// A flow that conntrack has forgotten is a new one: whether an old one would have stayed or moved was not tried.
std::optional<CellVerdict> forgotten(const CellContext& context) {
  const auto& pause = context.seen.interlude;
  if (!pause || context.cell.flow.protocol != Protocol::kUdp) return std::nullopt;
  const bool stream = std::chrono::nanoseconds(pause->probed_ns) > kUdpStreamAfter;
  const auto remembered = stream ? kUdpStreamRemembered : kUdpRemembered;
  if (std::chrono::nanoseconds(pause->idle_ns) < remembered) return std::nullopt;
  return verdict(
      Verdict::kInvalid, ReasonCode::kFlowForgotten,
      fmt::format("{} passed since the flow from {} was probed in the step before, and conntrack remembers it "
                  "for {} s: the run was held up",
                  milliseconds(pause->idle_ns), describe(context.cell.flow), remembered.count()));
}

CellVerdict judge_cell(const CellContext& context, const plan::Stage& stage, const matrix::StageObservation& observed,
                       const matrix::StageFacts& facts) {
  if (auto trouble = tool_trouble(context)) return *trouble;
  if (context.cell.foreign) {
    if (auto trouble = reading_trouble(context, facts)) return *trouble;
  }
  if (auto trouble = control_trouble(context, stage, observed)) return *trouble;
  if (auto trouble = forgotten(context)) return *trouble;
  switch (context.cell.rule) {
    case plan::CellRule::kFollow:
      return judge_follow(context);
    case plan::CellRule::kLeave:
      return judge_leave(context);
    case plan::CellRule::kGap:
      return scored(context, gap_findings(context), as_expected(context));
    case plan::CellRule::kFlows:
    case plan::CellRule::kKept:
    case plan::CellRule::kRotate:
      break;
  }
  return judge_flows(context);
}

// Agents that were there when the stage's probes were handed out and gone, or in trouble, soon after: a dead node is
// noticed when its lease has run out, a stage later at most.
std::set<std::string> lost_about_then(const matrix::RunFacts& facts, std::size_t index) {
  std::set<std::string> lost;
  for (const auto& agent : facts.agents) {
    const auto gone_by = [&](std::size_t stage) {
      return stage >= facts.stages.size() || !facts.stages[stage].probed ||
             facts.stages[stage].without.contains(agent.agent);
    };
    if (!agent.error.empty() && !gone_by(index) && (gone_by(index + 1) || gone_by(index + 2))) lost.insert(agent.agent);
  }
  return lost;
}

// What is red for want of a node is no finding about Services.
void excuse(CellVerdict& verdict, const matrix::RunFacts& facts) {
  if (verdict.verdict != Verdict::kFail) return;
  verdict.verdict = Verdict::kInvalid;
  verdict.reasons.insert(verdict.reasons.begin(),
                         {ReasonCode::kAgentLost, "an agent that it needs was lost about then" + lost_agents(facts)});
}

std::vector<CellVerdict> judge_stage(const plan::Plan& plan, const plan::Stage& stage, std::size_t index,
                                     const matrix::StageObservation& observed, const Names& names,
                                     const matrix::RunFacts& facts) {
  const auto stage_facts = index < facts.stages.size() ? facts.stages[index] : matrix::StageFacts{};
  const auto left_out = plan::dependence_on(stage_facts.without, plan, stage).cells;
  const auto shaken = plan::dependence_on(lost_about_then(facts, index), plan, stage).cells;
  std::vector<CellVerdict> verdicts;
  for (std::size_t i = 0; i < stage.cells.size(); ++i) {
    const auto& cell = stage.cells[i];
    auto skipped = not_run(cell, stage_facts, left_out[i], facts);
    verdicts.push_back(skipped ? std::move(*skipped)
                               : judge_cell({cell, observed.cells.at(i), names, facts}, stage, observed, stage_facts));
    if (shaken[i]) excuse(verdicts.back(), facts);
  }
  return verdicts;
}

}  // namespace

Judgement judge(const plan::Plan& plan, const matrix::Observations& observations, const matrix::RunFacts& facts) {
  const Names names(plan);
  Judgement result;
  std::vector<JudgedCell> judged;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const auto& stage = plan.stages[i];
    result.stages.push_back(judge_stage(plan, stage, i, observations.stages.at(i), names, facts));
    for (std::size_t k = 0; k < stage.cells.size(); ++k) {
      const auto verdict = result.stages.back()[k].verdict;
      if (verdict != Verdict::kPass && verdict != Verdict::kFail) continue;
      judged.push_back({&stage.cells[k], verdict == Verdict::kFail});
    }
  }
  for (const auto& entry : plan.not_run) {
    result.not_run.push_back(verdict(Verdict::kNotRun, ReasonCode::kNotRunnable, entry.reason));
  }
  result.patterns = find_patterns(judged, names);
  return result;
}

}  // namespace conntruth::judge
