#include "controller/app/recompute.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "controller/app/hearing.hpp"
#include "controller/app/run_inputs.hpp"
#include "controller/evidence/testimony.hpp"
#include "controller/judge/judge.hpp"
#include "controller/matrix/fold.hpp"

namespace conntruth::app {

namespace {

matrix::AgentFacts& facts_of(matrix::RunFacts& facts, const std::string& agent) {
  const auto found = std::ranges::find(facts.agents, agent, &matrix::AgentFacts::agent);
  if (found != facts.agents.end()) return *found;
  return facts.agents.emplace_back(matrix::AgentFacts{agent, {}, {}});
}

constexpr std::array<std::string_view, 2> kWalkLosses = {"walk-ring-full", "hops-dropped"};  // as agents name them

constexpr std::string_view kEntryLoss = "conntrack-events-lost";

// Everything that a run's records tell.
struct Told {
  matrix::SampleTable table;
  matrix::RunFacts facts;
  evidence::Testimony testimony;
  std::set<std::uint64_t> walk_orders = {};  // assignments: what they cannot do says nothing about the agent
};

void take_batch(const store::BatchRecord& record, Told& told) {
  auto& [table, facts, testimony, walk_orders] = told;
  for (const auto& sample : record.batch.samples) {
    if (!testimony.take(sample)) table.add(sample);
  }
  for (const auto& sight : record.batch.sights) {
    if (!testimony.is_witness(sight.id)) table.add(sight);
  }
  for (const auto& hop : record.batch.hops) testimony.take(record.agent, hop);
  for (const auto& step : record.batch.rules) testimony.take(record.agent, step);
  for (const auto& life : record.batch.entries) testimony.take(record.agent, life);
  for (const auto& line : record.batch.notes) testimony.note(record.agent + ": " + line);
  auto& agent = facts_of(facts, record.agent);
  if (!record.batch.losses.empty()) agent.losses = record.batch.losses;
  const bool about_walk = walk_orders.contains(record.batch.assignment);
  if (!record.batch.assignment_error.empty() && !about_walk) agent.error = record.batch.assignment_error;
}

void take_programmed(const nlohmann::json& json, matrix::StageFacts& stage) {
  for (const auto& each : json) {
    stage.programmed.push_back({each.at("node"), each.at("at_ns"), each.at("error")});
  }
  std::ranges::sort(stage.programmed, {}, &matrix::NodeProgrammed::node);
}

Status take_evidence_marker(const store::MarkerRecord& marker, Told& told) {
  if (marker.name == evidence::kWitnessMarker) {
    const auto witnesses = evidence::read_witnesses(marker.json);
    if (!witnesses) return std::unexpected(witnesses.error());
    told.testimony.summon(*witnesses);
  }
  const auto json = nlohmann::json::parse(marker.json);
  if (marker.name == kWalkOrdersMarker) told.walk_orders.merge(json.get<std::set<std::uint64_t>>());
  if (marker.name == kEvidenceNoteMarker) told.testimony.note(json.get<std::string>());
  return {};
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

void take_walk_losses(const matrix::RunFacts& facts, evidence::Testimony& testimony) {
  for (const auto& [agent, error, losses] : facts.agents) {
    std::uint64_t events = 0;
    for (const auto& loss : losses) {
      if (std::ranges::find(kWalkLosses, loss.name) != kWalkLosses.end()) events += loss.count;
    }
    if (events > 0) testimony.lose(agent, events);
    for (const auto& loss : losses) {
      if (loss.name == kEntryLoss)
        testimony.note(fmt::format("{}: {} or more messages of connection tracking were lost", agent, loss.count));
    }
  }
}

Status read_records(store::RunReader& reader, Told& told) {
  while (true) {
    auto record = reader.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return {};
    if ((*record)->batch) take_batch(*(*record)->batch, told);
    if (!(*record)->marker) continue;
    try {
      take_marker(*(*record)->marker, told.facts);
      if (auto status = take_evidence_marker(*(*record)->marker, told); !status) return status;
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

  Told told{matrix::SampleTable(*plan), {}, {}};
  auto& facts = told.facts;
  facts.stages.resize(plan->stages.size());
  facts.ended_early = reader.info().reason;
  if (auto status = read_records(reader, told); !status) {
    return std::unexpected(status.error().in("run " + reader.info().id));
  }
  std::ranges::sort(facts.agents, {}, &matrix::AgentFacts::agent);
  take_walk_losses(facts, told.testimony);
  const auto observations = matrix::fold(*plan, told.table, facts);
  const auto judgement = judge::judge(*plan, observations, facts);
  report::Evidence evidence{told.testimony.hear(*plan, observations), told.testimony.notes()};
  return report::make_report({reader.info().id, inputs->facts}, *plan, observations, judgement, facts,
                             std::move(evidence));
}

}  // namespace conntruth::app
