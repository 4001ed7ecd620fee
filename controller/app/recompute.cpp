#include "controller/app/recompute.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/app/run_inputs.hpp"
#include "controller/judge/judge.hpp"
#include "controller/matrix/fold.hpp"

namespace conntruth::app {

namespace {

matrix::AgentFacts& facts_of(matrix::RunFacts& facts, const std::string& agent) {
  const auto found = std::ranges::find(facts.agents, agent, &matrix::AgentFacts::agent);
  if (found != facts.agents.end()) return *found;
  return facts.agents.emplace_back(matrix::AgentFacts{agent, {}, {}});
}

void take_batch(const store::BatchRecord& record, matrix::SampleTable& table, matrix::RunFacts& facts) {
  for (const auto& sample : record.batch.samples) table.add(sample);
  for (const auto& sight : record.batch.sights) table.add(sight);
  auto& agent = facts_of(facts, record.agent);
  if (!record.batch.losses.empty()) agent.losses = record.batch.losses;
  if (!record.batch.assignment_error.empty()) agent.error = record.batch.assignment_error;
}

void take_programmed(const nlohmann::json& json, matrix::StageFacts& stage) {
  for (const auto& each : json) {
    stage.programmed.push_back({each.at("node"), each.at("at_ns"), each.at("error")});
  }
  std::ranges::sort(stage.programmed, {}, &matrix::NodeProgrammed::node);
}

void take_marker(const store::MarkerRecord& marker, matrix::RunFacts& facts) {
  const auto json = nlohmann::json::parse(marker.json);
  if (marker.name == "agent-lost") {
    facts_of(facts, json.at("agent")).error = json.at("why");
    return;
  }
  if (marker.stage >= facts.stages.size()) return;
  auto& stage = facts.stages[marker.stage];
  if (marker.name == "published") stage.published_ns = json.at("at_ns");
  if (marker.name == "probed") {
    stage.probed = true;
    for (const auto& agent : json.value("without", nlohmann::json::array())) stage.without.insert(agent);
  }
  if (marker.name == "unsettled") stage.unsettled = json.at("why");
  if (marker.name == "changed") {
    for (const auto& service : json) stage.changed.insert(service.get<std::string>());
  }
  if (marker.name == "programmed") take_programmed(json, stage);
}

Status read_records(store::RunReader& reader, matrix::SampleTable& table, matrix::RunFacts& facts) {
  while (true) {
    auto record = reader.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return {};
    if ((*record)->batch) take_batch(*(*record)->batch, table, facts);
    try {
      if ((*record)->marker) take_marker(*(*record)->marker, facts);
    } catch (const nlohmann::json::exception& error) {
      return fail(ErrorCode::kInvalidInput, std::string("a marker of the run cannot be read: ") + error.what());
    }
  }
}

}  // namespace

Result<report::Report> recompute(store::RunReader& reader) {
  auto inputs = read_inputs(reader);
  if (!inputs) return std::unexpected(inputs.error().in("run " + reader.info().id));
  auto plan = make_plan(*inputs);
  if (!plan) return std::unexpected(plan.error().in("run " + reader.info().id));

  matrix::SampleTable table(*plan);
  matrix::RunFacts facts;
  facts.stages.resize(plan->stages.size());
  facts.ended_early = reader.info().reason;
  if (auto status = read_records(reader, table, facts); !status) {
    return std::unexpected(status.error().in("run " + reader.info().id));
  }
  std::ranges::sort(facts.agents, {}, &matrix::AgentFacts::agent);
  const auto observations = matrix::fold(*plan, table, facts);
  const auto judgement = judge::judge(*plan, observations, facts);
  return report::make_report({reader.info().id, inputs->facts}, *plan, observations, judgement, facts);
}

}  // namespace conntruth::app
