#include "controller/evidence/witnesses.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

namespace conntruth::evidence {

namespace {

constexpr std::chrono::microseconds kMostPaced = std::chrono::seconds(2);   // for all probes of a task
constexpr std::chrono::microseconds kMostSpread = std::chrono::seconds(4);  // for all witnesses of a stage
constexpr std::chrono::microseconds kPerProbe = std::chrono::milliseconds(1);

// Five times as many as fail once on average: exp(-5) is 0.7 %.
std::uint32_t probes_for(const Suspect& suspect) {
  if (suspect.about == Question::kChoice) return kChoiceProbes;
  const auto wanted = (5 * suspect.probes + suspect.wrong - 1) / std::max<std::uint64_t>(1, suspect.wrong);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, 2, kMostWitnessProbes));
}

const plan::PlannedTask* find_task(const plan::Stage& stage, std::uint32_t id) {
  for (const auto* list : {&stage.tasks, &stage.follow_tasks}) {
    const auto found = std::ranges::find(*list, id, [](const auto& planned) { return planned.task.id; });
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

void ask_by_packets(ProbeTask& task) {
  if (task.method == Method::kHttpGet) {
    task.method = Method::kTcpSyn;
    task.foreign = true;
  } else if (task.method == Method::kDnsLookup) {
    task.method = Method::kUdpCrafted;
  } else {
    return;
  }
  task.interval = {};
  task.path.clear();
  task.name.clear();
  task.until_name.reset();
}

// Requests on a connection of its own; what ended the other one may have counted its requests.
void open_anew(ProbeTask& task, const plan::Cell& cell) {
  task.connection = task.id;
  task.count = std::clamp<std::uint32_t>(task.count * static_cast<std::uint32_t>(cell.earlier.size() + 1), 2,
                                         kMostWitnessProbes);
  task.interval = std::min(task.interval, kMostPaced / task.count);
}

plan::PlannedTask again(const plan::PlannedTask& planned, const plan::Cell& cell, std::uint32_t id,
                        std::uint32_t probes) {
  auto result = planned;
  auto& task = result.task;
  task.id = id;
  ask_by_packets(task);
  if (task.connection != 0) {
    open_anew(task, cell);
  } else {
    task.count = probes;
    if (task.interval.count() > 0) {
      const auto in_time = static_cast<std::uint32_t>(kMostPaced / task.interval);
      task.count = std::clamp(in_time, 2U, std::max(2U, probes));
    }
  }
  task.until_count = 0;
  task.until_responders.clear();
  task.until_refused = task.until_timed_out = false;
  return result;
}

bool is_old_flow(const ProbeTask& task) { return task.source_port != 0 && task.connection == 0; }

plan::PlannedTask as_new_flows(plan::PlannedTask planned, std::uint32_t id) {
  planned.task.id = id;
  planned.task.source_port = 0;
  planned.task.count = kNewFlowProbes;
  return planned;
}

// The walk reports some twenty steps of each probe: more of them at once than a node can read are lost.
void spread_out(Summons& summons) {
  std::uint64_t probes = 0;
  for (const auto& planned : summons.tasks) probes += planned.task.count;
  const auto time = std::min<std::chrono::microseconds>(kMostSpread, kPerProbe * static_cast<std::int64_t>(probes));
  for (auto& [agent, task] : summons.tasks) {
    if (task.interval.count() == 0) task.interval = time / std::max(1U, task.count);
  }
}

constexpr std::array<std::string_view, 3> kQuestions = {"failure", "choice", "new-flow"};  // by Question

// Runs of before asked of failures alone.
Question question_of(const nlohmann::json& json) {
  const std::string word = json.value("about", "failure");
  const auto found = std::ranges::find(kQuestions, word);
  if (found == kQuestions.end()) throw nlohmann::json::other_error::create(501, "about: " + word, nullptr);
  return static_cast<Question>(found - kQuestions.begin());
}

}  // namespace

std::uint32_t last_task(const plan::Plan& plan) {
  std::uint32_t last = 0;
  for (const auto& stage : plan.stages) {
    for (const auto* list : {&stage.tasks, &stage.follow_tasks}) {
      for (const auto& planned : *list) last = std::max(last, planned.task.id);
    }
  }
  return last;
}

Summons summon(const plan::Stage& stage, const std::vector<Suspect>& suspects, std::uint32_t first_task) {
  Summons summons;
  for (const auto& suspect : suspects) {
    const auto* planned = find_task(stage, suspect.task);
    if (planned == nullptr) continue;
    if (summons.cells == kMostWitnesses) {
      ++summons.left_out;
      continue;
    }
    ++summons.cells;
    const auto& cell = stage.cells[suspect.cell];
    const auto id = first_task + static_cast<std::uint32_t>(summons.witnesses.size());
    summons.witnesses.push_back({id, suspect.task, cell.id, suspect.wrong, suspect.probes, suspect.about});
    summons.tasks.push_back(again(*planned, cell, id, probes_for(suspect)));
    if (!is_old_flow(planned->task)) continue;
    summons.witnesses.push_back({id + 1, suspect.task, cell.id, suspect.wrong, suspect.probes, Question::kNewFlow});
    summons.tasks.push_back(as_new_flows(summons.tasks.back(), id + 1));
  }
  spread_out(summons);
  return summons;
}

std::string to_json(const std::vector<Witness>& witnesses) {
  auto json = nlohmann::json::array();
  for (const auto& each : witnesses) {
    json.push_back({{"task", each.task},
                    {"of", each.of},
                    {"cell", each.cell},
                    {"wrong", each.wrong},
                    {"probes", each.probes},
                    {"about", kQuestions.at(static_cast<std::size_t>(each.about))}});
  }
  return json.dump();
}

Result<std::vector<Witness>> read_witnesses(std::string_view json) {
  try {
    std::vector<Witness> witnesses;
    for (const auto& each : nlohmann::json::parse(json)) {
      witnesses.push_back(
          {each.at("task"), each.at("of"), each.at("cell"), each.at("wrong"), each.at("probes"), question_of(each)});
    }
    return witnesses;
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInvalidInput, std::string("witnesses: ") + error.what());
  }
}

}  // namespace conntruth::evidence
