// Findings about how flows spread over the acceptable endpoints, and about the time a change took.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "common/stats/binomial.hpp"
#include "controller/judge/findings.hpp"

namespace conntruth::judge {

namespace {

using matrix::ResponderCount;

// Fresh flows per acceptable endpoint, in the expectation's order, silent ones included.
std::vector<std::uint64_t> fresh_counts(const CellContext& context) {
  std::vector<std::uint64_t> counts;
  for (const auto& endpoint : context.cell.expectation.endpoints) {
    const auto& seen = context.seen.responders;
    const auto answers_there = [&](const ResponderCount& entry) {
      return context.names.answers_at(entry.responder, context.cell.flow.protocol, endpoint);
    };
    const auto found = std::find_if(seen.begin(), seen.end(), answers_there);
    counts.push_back(found == seen.end() ? 0 : found->fresh);
  }
  return counts;
}

Reason missing(const CellContext& context, const std::vector<std::uint64_t>& counts, std::uint64_t flows) {
  std::vector<std::string> silent;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) silent.push_back(context.names.endpoint(context.cell.expectation.endpoints[i]));
  }
  return {ReasonCode::kMissingEndpoint,
          fmt::format("{} answered none of {} flows from {}; each of {} endpoints has to take its share", join(silent),
                      flows, describe(context.cell.flow), counts.size())};
}

Reason uneven(const CellContext& context, const std::vector<std::uint64_t>& counts, std::uint64_t flows, double p) {
  std::vector<std::string> words;
  words.reserve(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    words.push_back(fmt::format("{} {}", context.names.endpoint(context.cell.expectation.endpoints[i]), counts[i]));
  }
  return {
      ReasonCode::kUnevenSpread,
      fmt::format("{} flows from {} do not spread evenly over {} endpoints: {} (chance of this under fair spreading "
                  "{:.1e})",
                  flows, describe(context.cell.flow), counts.size(), join(words), p)};
}

// A profile may have a part of the endpoints lose every reply: as many flows have to be lost as these endpoints get.
std::optional<Reason> lost_share(const CellContext& context, std::uint64_t answered) {
  const auto& expectation = context.cell.expectation;
  if (expectation.unanswered_at.empty() || !expectation.outcomes.timed_out) return std::nullopt;
  const auto lost = context.seen.outcomes.timed_out;
  const auto losing = expectation.unanswered_at.size();
  const auto all = losing + expectation.endpoints.size();
  const double share = static_cast<double>(losing) / static_cast<double>(all);
  const double p = 2 * std::min(stats::binomial_at_least(lost, lost + answered, share),
                                stats::binomial_at_most(lost, lost + answered, share));
  if (p >= kShareAlpha) return std::nullopt;
  return Reason{ReasonCode::kUnevenSpread,
                fmt::format("{} of {} flows from {} got no answer; the profile has {} of {} endpoints lose theirs "
                            "(chance of this under fair spreading {:.1e})",
                            lost, lost + answered, describe(context.cell.flow), losing, all, p)};
}

Reasons uniform(const CellContext& context, std::optional<stats::ShareTest>& test) {
  const auto counts = fresh_counts(context);
  const auto flows = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (auto uneven_loss = lost_share(context, flows)) return {*std::move(uneven_loss)};
  if (counts.size() < 2 || flows == 0) return {};
  test = stats::test_even_shares(counts, kShareAlpha);
  const double p = std::min(test->chi_square_p, test->exact_p);
  if (p >= kShareAlpha) return {};
  const bool silent_one = std::find(counts.begin(), counts.end(), std::uint64_t{0}) != counts.end();
  return {silent_one ? missing(context, counts, flows) : uneven(context, counts, flows, p)};
}

std::vector<ResponderCount> acceptable(const CellContext& context) {
  std::vector<ResponderCount> result;
  std::copy_if(context.seen.responders.begin(), context.seen.responders.end(), std::back_inserter(result),
               [](const ResponderCount& entry) { return entry.acceptable; });
  return result;
}

Reasons rotated(const CellContext& context) {
  const auto answering = acceptable(context);
  if (answering.size() != 1 || context.cell.expectation.endpoints.size() < 2) return {};
  return {{ReasonCode::kNotRotated,
           fmt::format(
               "all {} answers to flows from {} came from {}, although the session affinity had timed out in between",
               context.seen.outcomes.replied, describe(context.cell.flow), list(answering, context.names))}};
}

Reasons sticky(const CellContext& context) {
  const auto answering = acceptable(context);
  if (answering.size() < 2) return {};
  return {{ReasonCode::kNotSticky,
           fmt::format("flows from {} were answered by {} endpoints in spite of session "
                       "affinity: {}",
                       describe(context.cell.flow), answering.size(), list(answering, context.names))}};
}

}  // namespace

Reasons spread_findings(const CellContext& context, std::optional<stats::ShareTest>& test) {
  if (!context.cell.expectation.outcomes.replied) return {};
  if (context.cell.rule == plan::CellRule::kRotate) return rotated(context);
  switch (context.cell.expectation.spread) {
    case Spread::kUniform:
      return uniform(context, test);
    case Spread::kSticky:
      return sticky(context);
    case Spread::kFree:
      return {};
  }
  return {};
}

Reasons follow_findings(const CellContext& context) {
  const auto& times = context.seen.follow;
  const auto bound = std::chrono::nanoseconds(context.cell.follow_bound).count();
  if (!times.first_right_ns) {
    return {{ReasonCode::kNeverFollowed, fmt::format("{} probes from {} got no right answer after the change",
                                                     context.seen.received, describe(context.cell.flow))}};
  }
  if (*times.first_right_ns <= bound) return {};
  return {{ReasonCode::kFollowedLate,
           fmt::format("the first right answer from {} came {} after the change; the bound is {}",
                       describe(context.cell.flow), milliseconds(*times.first_right_ns), milliseconds(bound))}};
}

}  // namespace conntruth::judge
