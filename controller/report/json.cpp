// The report as one JSON document; docs/report.schema.json describes it. Keys keep the order in which they are put
// here.
#include <algorithm>
#include <cmath>
#include <future>
#include <nlohmann/json.hpp>
#include <ranges>
#include <span>
#include <thread>

#include "controller/report/evidence_json.hpp"
#include "controller/report/report.hpp"

namespace conntruth::report {

namespace {

using Json = nlohmann::ordered_json;

double to_ms(std::int64_t nanoseconds) { return std::round(static_cast<double>(nanoseconds) / 1e3) / 1e3; }

Json ms_or_null(std::int64_t nanoseconds) { return nanoseconds < 0 ? Json() : Json(to_ms(nanoseconds)); }

std::string_view kind_name(RefusalKind kind) {
  switch (kind) {
    case RefusalKind::kIcmp:
      return "icmp";
    case RefusalKind::kReset:
      return "reset";
    case RefusalKind::kAbort:
      return "abort";
    case RefusalKind::kNone:
      return "none";
  }
  return "none";
}

std::string_view rule_name(plan::CellRule rule) {
  switch (rule) {
    case plan::CellRule::kFlows:
      return "flows";
    case plan::CellRule::kFollow:
      return "follow";
    case plan::CellRule::kGap:
      return "gap";
    case plan::CellRule::kLeave:
      return "leave";
    case plan::CellRule::kRotate:
      return "rotate";
    case plan::CellRule::kKept:
      return "kept";
  }
  return "flows";
}

Json outcome_list(const OutcomeSet& outcomes) {
  Json list = Json::array();
  if (outcomes.replied) list.push_back("replied");
  if (outcomes.refused) list.push_back("refused");
  if (outcomes.timed_out) list.push_back("timedOut");
  return list;
}

Json outcome_counts(const matrix::OutcomeCounts& counts) {
  return {{"replied", counts.replied},
          {"refused", counts.refused},
          {"timedOut", counts.timed_out},
          {"toolError", counts.tool_error}};
}

Json http_answer(std::uint16_t status, const std::optional<std::uint64_t>& local, const std::string& service) {
  return {{"status", status},
          {"localEndpoints", local ? Json(*local) : Json()},
          {"service", service.empty() ? Json() : Json(service)}};
}

Json name_answer(const NameAnswer& answer) {
  Json result = {{"code", answer.code}, {"alias", answer.alias}, {"addresses", Json::array()}};
  for (const auto& address : answer.addresses) result["addresses"].push_back(address.to_string());
  result["text"] = to_string(answer);
  return result;
}

Json name_answers(const std::vector<matrix::NameCount>& list) {
  auto result = Json::array();
  for (const auto& each : list) {
    auto one = name_answer(each.answer);
    one["count"] = each.count;
    one["expected"] = each.acceptable;
    result.push_back(std::move(one));
  }
  return result;
}

Json http_answers(const std::vector<matrix::HttpCount>& list) {
  Json result = Json::array();
  for (const auto& each : list) {
    auto one = http_answer(each.answer.status, each.answer.local_endpoints, each.answer.service);
    one["count"] = each.count;
    one["expected"] = each.acceptable;
    result.push_back(std::move(one));
  }
  return result;
}

Json expected(const ReportCell& cell) {
  const auto& expectation = cell.expectation;
  Json result;
  result["outcomes"] = outcome_list(expectation.outcomes);
  result["endpoints"] = Json::array();
  for (const auto& endpoint : cell.expected_endpoints) {
    result["endpoints"].push_back({{"name", endpoint.name}, {"address", endpoint.address}});
  }
  if (const auto& http = expectation.http)
    result["http"] = http_answer(http->status, http->local_endpoints, http->service);
  if (const auto& name = expectation.name) result["name"] = name_answer(*name);
  result["spread"] = to_string(expectation.spread);
  result["source"] = to_string(expectation.source);
  result["sourceAddresses"] = Json::array();
  for (const auto& address : expectation.source_addresses) result["sourceAddresses"].push_back(address.to_string());
  result["scored"] = expectation.scored;
  if (cell.follow_bound_ms > 0) result["followBoundMs"] = cell.follow_bound_ms;
  // Only where there is something: the same report as ever where no profile says anything.
  if (!expectation.profile_facts.empty()) result["profileFacts"] = expectation.profile_facts;
  if (!expectation.unanswered_at.empty()) {
    result["unansweredAt"] = Json::array();
    for (const auto& endpoint : expectation.unanswered_at) result["unansweredAt"].push_back(endpoint.to_string());
  }
  result["rules"] = Json::array();
  for (const auto& rule : expectation.rules) {
    result["rules"].push_back({{"id", rule.id}, {"text", rule.text}, {"source", rule.source}});
  }
  return result;
}

Json sources(const std::vector<matrix::SourceCount>& list) {
  Json result = Json::array();
  for (const auto& source : list) {
    result.push_back({{"address", source.address.to_string()}, {"count", source.count}});
  }
  return result;
}

Json refusals(const matrix::CellObservation& seen) {
  Json result = Json::array();
  for (const auto& entry : seen.refusals) {
    Json one{{"kind", kind_name(entry.refusal.kind)}, {"from", entry.refusal.from.to_string()}};
    if (entry.refusal.kind == RefusalKind::kIcmp) {
      one["type"] = entry.refusal.icmp_type;
      one["code"] = entry.refusal.icmp_code;
    }
    one["count"] = entry.count;
    result.push_back(std::move(one));
  }
  return result;
}

Json endpoints(const std::vector<NamedCount>& list) {
  Json result = Json::array();
  for (const auto& endpoint : list) {
    result.push_back({{"name", endpoint.name},
                      {"address", endpoint.address},
                      {"count", endpoint.count},
                      {"expected", endpoint.expected}});
  }
  return result;
}

Json examples(const matrix::CellObservation& seen) {
  Json result = Json::object();
  for (std::size_t i = 0; i < matrix::kSampleKinds; ++i) {
    if (seen.examples[i].empty()) continue;
    Json ids = Json::array();
    // As text: a 64-bit id does not fit the numbers of many JSON readers.
    for (const auto id : seen.examples[i]) {
      ids.push_back(std::to_string(task_of(id)) + "/" + std::to_string(sequence_of(id)));
    }
    result[std::string(to_string(static_cast<matrix::SampleKind>(i)))] = std::move(ids);
  }
  return result;
}

Json spread_test(const std::optional<stats::ShareTest>& test) {
  if (!test) return {};
  return {{"chiSquare", test->statistic},
          {"chiSquareP", test->chi_square_p},
          {"exactP", test->exact_p},
          {"conclusive", test->conclusive}};
}

Json observed(const ReportCell& cell) {
  const auto& seen = cell.observation;
  Json result;
  result["planned"] = seen.planned;
  result["missing"] = seen.missing;
  result["settling"] = seen.settling;
  result["outcomes"] = outcome_counts(seen.outcomes);
  result["methods"] = Json::object();
  for (const auto& entry : seen.methods) {
    result["methods"][std::string(to_string(entry.method))] = outcome_counts(entry.outcomes);
  }
  result["endpoints"] = endpoints(cell.observed_endpoints);
  if (cell.foreign) result["endpointNotSeen"] = seen.foreign.unseen;
  result["sources"] = sources(seen.sources);
  result["wrongSources"] = sources(seen.wrong_sources);
  result["refusals"] = refusals(seen);
  result["unlisted"] = {{"sources", seen.sources_beyond}, {"refusals", seen.refusals_beyond}};
  if (!http_path(cell.flow.entry.kind).empty()) {
    result["http"] = http_answers(seen.http);
    result["unlisted"]["http"] = seen.http_beyond;
  }
  if (cell.flow.entry.kind == EntryKind::kName) {
    result["lookups"] = name_answers(seen.lookups);
    result["unlisted"]["lookups"] = seen.lookups_beyond;
  }
  result["arrived"] = {
      {"timedOut", seen.arrived_silent}, {"refused", seen.arrived_refused}, {"endpoints", endpoints(cell.arrived_at)}};
  result["roundTripNs"] = {
      {"p50", seen.round_trip.quantile(0.5)}, {"p99", seen.round_trip.quantile(0.99)}, {"max", seen.round_trip.max()}};
  if (cell.rule == plan::CellRule::kFollow) {
    result["followMs"] = ms_or_null(seen.follow.first_right_ns.value_or(-1));
    result["lastWrongMs"] = ms_or_null(seen.follow.last_wrong_ns.value_or(-1));
  }
  if (cell.rule == plan::CellRule::kLeave) result["lastWrongMs"] = ms_or_null(seen.follow.last_wrong_ns.value_or(-1));
  if (cell.rule == plan::CellRule::kGap) {
    result["lost"] = seen.received - seen.count(matrix::SampleKind::kAcceptable);
    const auto ms = [](const auto& time) { return time ? Json(to_ms(*time)) : Json(); };
    result["firstLostMs"] = ms(seen.follow.first_wrong_ns);
    result["lastLostMs"] = ms(seen.follow.last_wrong_ns);
  }
  if (cell.verdict.shares) result["spreadTest"] = spread_test(cell.verdict.shares);
  if (!seen.first_error.empty()) result["firstError"] = seen.first_error;
  result["examples"] = examples(seen);
  return result;
}

Json reason(const judge::Reason& value) { return {{"code", to_string(value.code)}, {"text", value.text}}; }

Json cell_document(const ReportCell& cell) {
  Json result;
  const auto& flow = cell.flow;
  const auto or_null = [&](auto&& value) { return cell.planned ? Json(value) : Json(); };
  result["id"] = cell.id;
  result["scenario"] = cell.scenario;
  result["step"] = or_null(cell.step);
  result["table"] = or_null(cell.table);
  result["vantage"] = or_null(cell.row);
  result["entry"] = or_null(cell.column);
  result["entryKind"] = or_null(to_string(flow.entry.kind));
  result["service"] = or_null(flow.entry.service);
  result["target"] = or_null(flow.entry.target.to_string());
  result["protocol"] = or_null(to_string(flow.protocol));
  result["family"] = or_null(to_string(flow.family()));
  result["rule"] = or_null(rule_name(cell.rule));
  result["expected"] = cell.planned ? expected(cell) : Json();
  result["observed"] = cell.planned ? observed(cell) : Json();
  result["verdict"] = to_string(cell.verdict.verdict);
  result["reason"] = reason(cell.verdict.reason());
  if (cell.evidence) result["reason"]["cause"] = Json::parse(cause_to_json(cell.evidence->cause));
  result["furtherReasons"] = Json::array();
  for (std::size_t i = 1; i < cell.verdict.reasons.size(); ++i) {
    result["furtherReasons"].push_back(reason(cell.verdict.reasons[i]));
  }
  result["controls"] = Json::array();
  for (const auto& control : cell.controls) {
    result["controls"].push_back({{"id", control.id},
                                  {"kind", control.positive ? "positive" : "negative"},
                                  {"held", control.held},
                                  {"planned", control.planned},
                                  {"right", control.right}});
  }
  result["samples"] = cell.observation.received;
  if (cell.evidence) result["evidence"] = Json::parse(evidence_to_json(*cell.evidence));
  return result;
}

Json run_document(const Report& report) {
  Json run{{"id", report.run.id}};
  for (const auto& [key, value] : report.run.facts) run[key] = value;
  run["complete"] = report.ended_early.empty();
  if (!report.ended_early.empty()) run["endedEarly"] = report.ended_early;
  return run;
}

Json losses(const Report& report) {
  Json result = Json::array();
  for (const auto& agent : report.agents) {
    Json counters = Json::object();
    for (const auto& loss : agent.losses) counters[loss.name] = loss.count;
    result.push_back({{"agent", agent.agent}, {"error", agent.error}, {"counters", std::move(counters)}});
  }
  result.push_back(
      {{"agent", "controller"},
       {"error", ""},
       {"counters", {{"foreign-report", report.foreign_samples}, {"duplicate-sample", report.duplicate_samples}}}});
  return result;
}

Json follow(const Report& report) {
  Json result = Json::array();
  for (const auto& row : report.follow) {
    result.push_back({{"node", row.node},
                      {"stage", row.stage},
                      {"scenario", row.scenario},
                      {"step", row.step},
                      {"cell", row.cell},
                      {"boundMs", row.bound_ms},
                      {"followMs", ms_or_null(row.observed_ns)},
                      {"lastWrongMs", ms_or_null(row.settled_ns)},
                      {"programmedMs", ms_or_null(row.programmed_ns)},
                      {"verdict", to_string(row.verdict)}});
  }
  return result;
}

Json patterns(const Report& report) {
  Json result = Json::array();
  for (const auto& pattern : report.patterns) {
    result.push_back({{"scope", pattern.scope},
                      {"scenario", pattern.scenario},
                      {"kind", to_string(pattern.kind)},
                      {"red", pattern.red},
                      {"matching", pattern.matching},
                      {"text", pattern.text}});
  }
  return result;
}

// Texts come from the kernel and from peers: bytes that are not UTF-8 are replaced, not thrown at.
std::string to_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

// Cells are nearly all of the document. One after the other they stay in the processor's caches, which a document of
// tens of megabytes made whole does not.
std::string cells(std::span<const ReportCell> cells) {
  constexpr std::string_view kIndent = "\n    ";
  std::string text;
  for (const auto& cell : cells) {
    if (!text.empty()) text += ',';
    text += kIndent;
    for (const auto line : std::views::split(to_text(cell_document(cell)), '\n')) {
      text.append(line.begin(), line.end());
      text += kIndent;
    }
    text.resize(text.size() - kIndent.size());
  }
  return text;
}

// As many parts as there are processors, one after the other in the document.
std::string all_cells(std::span<const ReportCell> all) {
  constexpr std::size_t kWorthAThread = 200;
  const auto most = std::max<std::size_t>(1, std::thread::hardware_concurrency());
  const auto parts = std::clamp<std::size_t>(all.size() / kWorthAThread, 1, most);
  std::vector<std::future<std::string>> texts;
  for (std::size_t i = 0; i < parts; ++i) {
    const auto first = all.size() * i / parts;
    const auto part = all.subspan(first, all.size() * (i + 1) / parts - first);
    texts.push_back(std::async(std::launch::async, [part] { return cells(part); }));
  }
  std::string text;
  for (auto& part : texts) text += (text.empty() ? "[" : ",") + part.get();
  return text + "\n  ]";
}

}  // namespace

std::string to_json(const ReportCell& cell) { return to_text(cell_document(cell)); }

std::string to_json(const Report& report) {
  Json document;
  document["apiVersion"] = "conntruth.dev/v1";
  document["kind"] = "Report";
  document["run"] = run_document(report);
  const auto& summary = report.summary;
  document["summary"] = {{"pass", summary.pass},   {"fail", summary.fail},         {"invalid", summary.invalid},
                         {"error", summary.error}, {"recorded", summary.recorded}, {"notRun", summary.not_run}};
  if (summary.by_profile > 0) document["summary"]["byProfile"] = summary.by_profile;
  document["cells"] = Json::array();
  document["losses"] = losses(report);
  document["follow"] = follow(report);
  document["patterns"] = patterns(report);
  if (!report.evidence_notes.empty()) document["evidenceNotes"] = report.evidence_notes;
  auto text = to_text(document) + "\n";
  if (report.cells.empty()) return text;
  constexpr std::string_view kNoCells = "\n  \"cells\": []";
  return text.replace(text.find(kNoCells), kNoCells.size(), "\n  \"cells\": " + all_cells(report.cells));
}

}  // namespace conntruth::report
