// Findings about outcomes: what came back at all.
#include <fmt/format.h>

#include <algorithm>

#include "controller/judge/findings.hpp"

namespace conntruth::judge {

namespace {

using matrix::SampleKind;

// True where an agent that runs one of the cell's endpoints went away: its sights may be missing.
bool sights_incomplete(const CellContext& context) {
  return std::any_of(context.cell.expectation.endpoints.begin(), context.cell.expectation.endpoints.end(),
                     [&](const SocketAddress& endpoint) {
                       const auto node = context.names.node_of(context.names.owner(endpoint.address));
                       return std::any_of(
                           context.facts.agents.begin(), context.facts.agents.end(),
                           [&](const auto& agent) { return agent.agent == node && !agent.error.empty(); });
                     });
}

// Who of those that may answer gave no answer while others did.
std::string mute_endpoints(const CellContext& context) {
  std::vector<std::string> words;
  for (const auto& endpoint : context.cell.expectation.endpoints) {
    const bool answered = std::ranges::any_of(context.seen.responders, [&](const auto& entry) {
      return context.names.answers_at(entry.responder, context.cell.flow.protocol, endpoint);
    });
    if (!answered) words.push_back(context.names.endpoint(endpoint));
  }
  if (words.empty() || context.seen.responders.empty()) return {};
  return fmt::format("; {} answered none", join(words));
}

// The same of other people's endpoints, which tell nothing. What a node drops on its way through is never confirmed.
std::string sent_to(const CellContext& context) {
  const auto& foreign = context.seen.foreign;
  if (foreign.sent_on == 0) {
    return "connection tracking has none of them, which is so where their own node drops them" +
           mute_endpoints(context);
  }
  std::vector<std::string> words;
  if (!context.seen.arrived_at.empty()) words.push_back(list(context.seen.arrived_at, context.names));
  for (const auto& each : foreign.elsewhere)
    words.push_back(fmt::format("{} ({})", context.names.endpoint(each.address), each.count));
  return fmt::format("{} of them were sent to {}", foreign.sent_on, join(words)) + mute_endpoints(context);
}

// Where the requests of unanswered flows were seen.
std::string whereabouts(const CellContext& context) {
  const auto kind = context.cell.flow.entry.kind;
  if (!http_path(kind).empty() || kind == EntryKind::kName) return "the server's own sight is not known";
  if (context.cell.foreign) return sent_to(context);
  const auto unanswered = context.seen.outcomes.timed_out;
  const auto arrived = context.seen.arrived_silent;
  const auto at = list(context.seen.arrived_at, context.names);
  if (arrived >= unanswered) return fmt::format("all of them reached {}, so the replies were lost", at);
  if (arrived > 0) return fmt::format("{} of them reached {}", arrived, at);
  if (sights_incomplete(context))
    return "whether they reached an endpoint is not known, as an endpoint's agent was lost";
  return context.cell.expectation.endpoints.size() == 1 ? "the endpoint saw none of them"
                                                        : "no endpoint saw any of them";
}

Reason unanswered(const CellContext& context) {
  const auto& seen = context.seen;
  const auto lost = seen.outcomes.timed_out;
  auto code = lost == seen.received ? ReasonCode::kSilent : ReasonCode::kLost;
  if (seen.arrived_silent >= lost) code = ReasonCode::kReplyLost;
  const auto opened =
      seen.strangers == 0 ? "" : fmt::format("; {} of them were accepted, and then nothing came", seen.strangers);
  return {code, fmt::format("{} flows from {} got no answer; {}{}", of(lost, seen.received),
                            describe(context.cell.flow), whereabouts(context), opened)};
}

std::string refusals(const CellContext& context) {
  std::vector<std::string> words;
  for (const auto& entry : context.seen.refusals) words.push_back(describe(entry.refusal, context.names));
  return join(words);
}

std::string demanded(const OutcomeSet& outcomes) {
  if (outcomes.refused && outcomes.timed_out) return "they have to be refused or dropped";
  return outcomes.refused ? "they have to be refused" : "they have to be dropped silently";
}

std::string answerers(const matrix::CellObservation& seen, const Names& names) {
  std::vector<std::string> words;
  if (!seen.responders.empty()) words.push_back(list(seen.responders, names));
  if (!seen.http.empty()) words.push_back("an HTTP server: " + list(seen.http));
  for (const auto& each : seen.foreign.elsewhere)
    words.push_back(fmt::format("{} ({})", names.endpoint(each.address), each.count));
  if (seen.foreign.unseen > 0) words.push_back(fmt::format("somebody ({})", seen.foreign.unseen));
  if (seen.strangers > 0) words.push_back(fmt::format("something that gave no identity ({})", seen.strangers));
  return join(words);
}

Reason answered(const CellContext& context) {
  const auto& outcomes = context.cell.expectation.outcomes;
  return {outcomes.refused ? ReasonCode::kRepliedNotRefused : ReasonCode::kRepliedNotSilent,
          fmt::format("{} flows from {} were answered, by {}; {}",
                      of(context.seen.count(SampleKind::kReplyUnexpected), context.seen.received),
                      describe(context.cell.flow), answerers(context.seen, context.names), demanded(outcomes))};
}

// An established connection that ended.
Reason reset(const CellContext& context) {
  return {ReasonCode::kConnectionReset,
          fmt::format("{} requests on one connection from {} failed, as it was ended: {}; it was opened to {} and has "
                      "to stay there",
                      of(context.seen.count(SampleKind::kRefusalUnexpected), context.seen.received),
                      describe(context.cell.flow), refusals(context), context.names.responder(context.seen.kept_by))};
}

Reason refused(const CellContext& context) {
  if (context.seen.kept_by != 0) return reset(context);
  const bool reply_due = context.cell.expectation.outcomes.replied;
  return {reply_due ? ReasonCode::kRefusedNotReplied : ReasonCode::kRefusedNotSilent,
          fmt::format("{} flows from {} were refused: {}; {}",
                      of(context.seen.count(SampleKind::kRefusalUnexpected), context.seen.received),
                      describe(context.cell.flow), refusals(context),
                      reply_due ? "they have to be answered" : "they have to be dropped silently")};
}

Reason dropped(const CellContext& context) {
  return {ReasonCode::kSilentNotRefused,
          fmt::format("{} flows from {} were dropped silently; they have to be refused",
                      of(context.seen.count(SampleKind::kSilenceUnexpected), context.seen.received),
                      describe(context.cell.flow))};
}

Reason leaked(const CellContext& context) {
  return {ReasonCode::kLeaked,
          fmt::format("{} flows from {} reached {}, although the client saw no reply; {}",
                      of(context.seen.arrived_silent + context.seen.arrived_refused, context.seen.received),
                      describe(context.cell.flow), list(context.seen.arrived_at, context.names),
                      demanded(context.cell.expectation.outcomes))};
}

// Where a profile says which endpoints see requests without their clients getting a reply: all others.
std::optional<Reason> leaked_elsewhere(const CellContext& context) {
  std::vector<matrix::ResponderCount> elsewhere;
  std::uint64_t total = 0;
  for (const auto& entry : context.seen.arrived_at) {
    if (entry.acceptable) continue;
    elsewhere.push_back(entry);
    total += entry.total();
  }
  if (elsewhere.empty()) return std::nullopt;
  return Reason{
      ReasonCode::kLeaked,
      fmt::format("{} flows from {} reached {}, although the client saw no reply; the profile has that of "
                  "other endpoints",
                  of(total, context.seen.received), describe(context.cell.flow), list(elsewhere, context.names))};
}

}  // namespace

std::string list(const std::vector<matrix::ResponderCount>& responders, const Names& names) {
  std::vector<std::string> words;
  for (const auto& entry : responders)
    words.push_back(fmt::format("{} ({})", names.responder(entry.responder), entry.total()));
  return join(words);
}

Reasons outcome_findings(const CellContext& context) {
  const auto& seen = context.seen;
  const auto& outcomes = context.cell.expectation.outcomes;
  Reasons reasons;
  if (seen.count(SampleKind::kReplyUnexpected) > 0) reasons.push_back(answered(context));
  if (seen.count(SampleKind::kRefusalUnexpected) > 0) reasons.push_back(refused(context));
  if (seen.count(SampleKind::kSilenceUnexpected) > 0) {
    reasons.push_back(outcomes.replied ? unanswered(context) : dropped(context));
  }
  if (!context.cell.expectation.unanswered_at.empty()) {
    if (auto elsewhere = leaked_elsewhere(context)) reasons.push_back(*std::move(elsewhere));
  } else if (!outcomes.replied && seen.arrived_silent + seen.arrived_refused > 0) {
    reasons.push_back(leaked(context));
  }
  return reasons;
}

namespace {

Reason foreign_as_expected(const CellContext& context) {
  const auto& seen = context.seen;
  const bool udp = context.cell.flow.protocol == Protocol::kUdp;
  std::string who;
  if (!seen.responders.empty())
    who = fmt::format(" {} {}", udp ? "were sent to" : "were answered by", list(seen.responders, context.names));
  if (seen.foreign.unseen > 0) {
    who +=
        fmt::format("{} {} {} by an endpoint that was not seen, as connection tracking did not tell",
                    who.empty() ? "," : "; others,", seen.foreign.unseen, udp ? "were not refused" : "were answered");
  }
  return {ReasonCode::kAsExpected, fmt::format("{} flows from {}{}", seen.received, describe(context.cell.flow), who)};
}

}  // namespace

Reason as_expected(const CellContext& context) {
  const auto& seen = context.seen;
  std::vector<std::string> parts;
  if (!seen.http.empty()) parts.push_back("were answered " + list(seen.http));
  if (context.cell.foreign && context.cell.expectation.outcomes.replied) return foreign_as_expected(context);
  if (!seen.lookups.empty()) parts.push_back("were answered " + list(seen.lookups));
  if (seen.outcomes.replied > 0 && seen.http.empty() && seen.lookups.empty())
    parts.push_back("were answered by " + list(seen.responders, context.names));
  if (seen.outcomes.refused > 0) parts.push_back("were refused: " + refusals(context));
  if (seen.outcomes.timed_out > 0) parts.push_back("got nothing back");
  const auto* what = !seen.http.empty() ? "GETs" : seen.lookups.empty() ? "flows" : "lookups";
  return {ReasonCode::kAsExpected, fmt::format("{} {} from {} {}", seen.received, what, describe(context.cell.flow),
                                               fmt::join(parts, "; others "))};
}

}  // namespace conntruth::judge
