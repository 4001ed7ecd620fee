// One cell in words: what was expected and why, what was observed, what that means.
#include <fmt/format.h>

#include <algorithm>

#include "common/stats/binomial.hpp"
#include "controller/evidence/entries.hpp"
#include "controller/evidence/rules.hpp"
#include "controller/judge/judge.hpp"
#include "controller/judge/names.hpp"
#include "controller/report/report.hpp"

namespace conntruth::report {

namespace {

class Page {
 public:
  void line(std::string_view key, const std::string& text) { text_ += fmt::format("{:<11}{}\n", key, text); }
  void more(std::string_view key, const std::string& text) { text_ += fmt::format("  {:<9}{}\n", key, text); }
  void plain(const std::string& text) { text_ += text; }
  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string endpoints(const std::vector<NamedCount>& list) {
  std::vector<std::string> words;
  for (const auto& endpoint : list) words.push_back(fmt::format("{} ({})", endpoint.name, endpoint.address));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::vector<std::string> text_of(const std::vector<SocketAddress>& addresses) {
  std::vector<std::string> texts;
  for (const auto& address : addresses) texts.push_back(address.to_string());
  return texts;
}

void expected(Page& page, const ReportCell& cell) {
  const auto& expectation = cell.expectation;
  page.line("expected",
            to_string(expectation.outcomes) + (expectation.scored ? "" : "  (recorded only: implementation-defined)"));
  if (expectation.http) {
    const auto service = expectation.http->service.empty() ? "" : " of " + expectation.http->service;
    page.more("answer", "HTTP " + to_string(*expectation.http) + service);
  }
  if (expectation.name) page.more("answer", to_string(*expectation.name));
  if (!cell.expected_endpoints.empty()) {
    page.more("by", endpoints(cell.expected_endpoints));
    page.more("spread", std::string(to_string(expectation.spread)));
    std::vector<std::string> addresses;
    for (const auto& address : expectation.source_addresses) addresses.push_back(address.to_string());
    page.more("source", fmt::format("{}{}{}", to_string(expectation.source), addresses.empty() ? "" : ": ",
                                    fmt::join(addresses, ", ")));
  }
  if (!expectation.unanswered_at.empty()) {
    page.more("lost at", fmt::format("{}", fmt::join(text_of(expectation.unanswered_at), ", ")));
  }
  if (!expectation.profile_facts.empty()) {
    page.more("profile", fmt::format("{}: not the specification's answer", fmt::join(expectation.profile_facts, ", ")));
  }
  if (cell.rule == plan::CellRule::kFollow || cell.rule == plan::CellRule::kLeave)
    page.more("within", fmt::format("{} ms", cell.follow_bound_ms));
  if (cell.rule == plan::CellRule::kKept)
    page.more("connection", "one for all steps, on the endpoint that it had first");
  if (cell.rule == plan::CellRule::kRotate) page.more("rotating", "more than one endpoint over the pooled samples");
  std::size_t number = 0;
  for (const auto& rule : expectation.rules) {
    page.more(number == 0 ? "because" : "",
              fmt::format("{}. {}: {} [{}]", number + 1, rule.id, rule.text, rule.source));
    ++number;
  }
}

void answers(Page& page, const ReportCell& cell) {
  const auto& seen = cell.observation;
  for (const auto& endpoint : cell.observed_endpoints) {
    page.more("by", fmt::format("{} ({}): {}{}", endpoint.name, endpoint.address, endpoint.count,
                                endpoint.expected ? "" : "  not among the expected ones"));
  }
  if (seen.foreign.unseen > 0) {
    page.more("by", fmt::format("somebody: {}  connection tracking does not tell whom", seen.foreign.unseen));
  }
  for (const auto& each : seen.http) {
    const HttpExpectation said{each.answer.status, each.answer.local_endpoints, {}};
    page.more("answer", fmt::format("HTTP {}{}: {}{}", to_string(said),
                                    each.answer.service.empty() ? "" : " of " + each.answer.service, each.count,
                                    each.acceptable ? "" : "  not as expected"));
  }
  for (const auto& each : seen.lookups) {
    page.more("answer",
              fmt::format("{}: {}{}", to_string(each.answer), each.count, each.acceptable ? "" : "  not as expected"));
  }
  for (const auto& source : seen.sources) {
    const bool wrong = std::any_of(seen.wrong_sources.begin(), seen.wrong_sources.end(),
                                   [&](const auto& entry) { return entry.address == source.address; });
    page.more("source", fmt::format("{}: {}{}", source.address.to_string(), source.count, wrong ? "  wrong" : ""));
  }
  if (seen.round_trip.count() == 0) return;
  const auto ms = [](std::uint64_t ns) { return judge::milliseconds(static_cast<std::int64_t>(ns)); };
  page.more("took", fmt::format("p50 {}, p99 {}, max {}", ms(seen.round_trip.quantile(0.5)),
                                ms(seen.round_trip.quantile(0.99)), ms(seen.round_trip.max())));
}

void statistics(Page& page, const ReportCell& cell) {
  const auto& seen = cell.observation;
  if (cell.verdict.verdict == judge::Verdict::kPass && cell.rule == plan::CellRule::kFlows) {
    page.more("bound",
              fmt::format("a fault that hits {:.2f} % of flows or more would have been missed with a chance "
                          "under {:.0e}",
                          100.0 * stats::upper_bound(0, seen.received, judge::kMissChance), judge::kMissChance));
  }
  if (const auto& test = cell.verdict.shares) {
    page.more("shares",
              fmt::format("chi-square p {:.3g}, exact p {:.3g}; red under {:.0e}{}", test->chi_square_p, test->exact_p,
                          judge::kShareAlpha, test->conclusive ? "" : "; too few flows for a silent endpoint to show"));
  }
}

void observed(Page& page, const ReportCell& cell) {
  const auto& seen = cell.observation;
  const auto& counts = seen.outcomes;
  page.line("observed",
            fmt::format("{} of {} samples: {} replied, {} refused, {} timed out, {} tool errors", seen.received,
                        seen.planned, counts.replied, counts.refused, counts.timed_out, counts.tool_error));
  if (seen.settling > 0) {
    page.more("set aside", fmt::format("{} that still showed the world before, within the {} ms that a change may take",
                                       seen.settling, cell.settle_ms));
  }
  for (const auto& entry : seen.methods) {
    page.more("sent by", fmt::format("{}: {}", to_string(entry.method), entry.outcomes.total()));
  }
  answers(page, cell);
  for (const auto& refusal : cell.refusals) page.more("refused", fmt::format("{}: {}", refusal.name, refusal.count));
  for (const auto& endpoint : cell.arrived_at) {
    page.more(cell.foreign ? "sent to" : "reached", fmt::format("{} ({}): {} requests whose client got no reply",
                                                                endpoint.name, endpoint.address, endpoint.count));
  }
  if (seen.follow.first_right_ns) {
    page.more("followed", judge::milliseconds(*seen.follow.first_right_ns) + " after the change");
  }
  if (!seen.first_error.empty()) page.more("error", seen.first_error);
  statistics(page, cell);
}

void conclusion(Page& page, const ReportCell& cell) {
  for (const auto& control : cell.controls) {
    page.line("control", fmt::format("{}: {} of {} as they have to be: {}", control.id, control.right, control.planned,
                                     control.held ? "held" : "FAILED"));
  }
  page.line("verdict", std::string(to_string(cell.verdict.verdict)));
  for (const auto& reason : cell.verdict.reasons) {
    page.line("reason", fmt::format("{}: {}", to_string(reason.code), reason.text));
    page.more("meaning", std::string(judge::explanation(reason.code)));
  }
  for (std::size_t i = 0; i < matrix::kSampleKinds; ++i) {
    std::vector<std::string> ids;
    for (const auto id : cell.observation.examples[i])
      ids.push_back(fmt::format("{}/{}", task_of(id), sequence_of(id)));
    if (ids.empty()) continue;
    page.line("probes", fmt::format("{}: {}", to_string(static_cast<matrix::SampleKind>(i)), fmt::join(ids, ", ")));
  }
}

void why(Page& page, const ReportCell& cell) {
  if (!cell.evidence) return;
  const auto& [cause, walk, witnesses, failed] = *cell.evidence;
  page.line("cause", fmt::format("{}: {}", to_string(cause.code), cause.text));
  page.more("meaning", std::string(evidence::explanation(cause.code)));
  if (!cause.rule.empty()) page.more("rule", cause.rule);
  page.more("again", fmt::format("{} probes were sent again, {} of them failed", witnesses, failed));
  if (walk.steps.empty()) return;
  page.line("walk", fmt::format("of probe {}/{}, which {}", task_of(walk.sample.id), sequence_of(walk.sample.id),
                                to_string(walk.sample.outcome)));
  if (const auto* at_socket = evidence::translation_at_socket(walk, cell.flow.entry.target)) {
    page.more("socket", fmt::format("a program of a cgroup of {} gave it the destination {} before it was a packet",
                                    at_socket->where(), at_socket->hop.destination.to_string()));
  }
  page.plain(evidence::to_text(walk));
  if (const auto rules = evidence::rules_to_text(walk); !rules.empty()) {
    page.line("rules", "that it met, of those that decide or translate");
    page.plain(rules);
  }
  if (walk.entries.empty()) return;
  page.line("entry", "of connection tracking that it had on each node");
  page.plain(evidence::entries_to_text(walk));
}

std::string similar(const Report& report, std::string_view cell_id) {
  std::vector<std::string> found;
  for (const auto& cell : report.cells) {
    if (found.size() < 3 && cell.id.find(cell_id) != std::string::npos) found.push_back(cell.id);
  }
  if (found.empty()) return "`conntruth matrix -o json` lists all ids";
  return fmt::format("did you mean {}", fmt::join(found, " or "));
}

Result<const ReportCell*> find_cell(const Report& report, std::string_view cell_id) {
  const auto found = std::ranges::find(report.cells, cell_id, &ReportCell::id);
  if (found != report.cells.end()) return &*found;
  return fail(ErrorCode::kNotFound, fmt::format("the run has no cell {}; {}", cell_id, similar(report, cell_id)));
}

}  // namespace

Result<std::string> explain(const Report& report, std::string_view cell_id) {
  const auto found = find_cell(report, cell_id);
  if (!found) return std::unexpected(found.error());
  const auto& cell = **found;
  Page page;
  page.line("cell", cell.id);
  if (cell.planned) {
    page.line("flow", "from " + judge::describe(cell.flow));
    expected(page, cell);
    observed(page, cell);
  }
  conclusion(page, cell);
  why(page, cell);
  return std::move(page).take();
}

Result<std::string> cell_json(const Report& report, std::string_view cell_id) {
  const auto found = find_cell(report, cell_id);
  return found ? Result<std::string>(to_json(**found)) : std::unexpected(found.error());
}

}  // namespace conntruth::report
