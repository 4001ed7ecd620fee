#include "controller/bundle/collect.hpp"

#include "controller/bundle/samples.hpp"
#include "controller/evidence/witnesses.hpp"

namespace conntruth::bundle {

namespace {

struct Wanted {
  std::set<std::string> of;  // cells; several share a task where one probe is judged in two ways
  bool witness = false;
};

class Collector {
 public:
  Collector(const plan::Plan& plan, const std::set<std::string>& cells) {
    for (std::size_t i = 0; i < plan.stages.size(); ++i) {
      for (const auto& cell : plan.stages[i].cells) {
        if (cells.contains(cell.id)) add(i, cell);
      }
      for (const auto* list : {&plan.stages[i].follow_tasks, &plan.stages[i].tasks}) {
        for (const auto& planned : *list) note_agent(planned);
      }
    }
  }

  [[nodiscard]] Status take_marker(const store::MarkerRecord& marker) {
    if (marker.name != evidence::kWitnessMarker) return {};
    const auto witnesses = evidence::read_witnesses(marker.json);
    if (!witnesses) return std::unexpected(witnesses.error());
    for (const auto& each : *witnesses) {
      if (!records_.cells.contains(each.cell)) continue;
      auto& wanted = tasks_[each.task];
      wanted.of.insert(each.cell);
      wanted.witness = true;
    }
    return {};
  }

  void take_batch(const store::BatchRecord& record) {
    for (const auto& sample : record.batch.samples) take(record.agent, sample);
    for (const auto& hop : record.batch.hops) take(record.agent, hop);
    if (!stages_.contains(record.stage)) return;
    for (const auto& life : record.batch.entries) records_.entries[record.stage].take(record.agent, life);
    for (const auto& ruleset : record.batch.rulesets)
      records_.rulesets.insert_or_assign({record.stage, record.agent, ruleset.place}, ruleset);
  }

  [[nodiscard]] Records take() && { return std::move(records_); }

 private:
  void add(std::size_t stage, const plan::Cell& cell) {
    records_.cells[cell.id].stage = stage;
    stages_.insert(stage);
    for (const auto task : cell.tasks) tasks_[task].of.insert(cell.id);
  }

  void note_agent(const plan::PlannedTask& planned) {
    const auto found = tasks_.find(planned.task.id);
    if (found == tasks_.end()) return;
    for (const auto& cell : found->second.of) records_.cells[cell].nodes.insert(planned.agent);
  }

  void take(const std::string& agent, const Sample& sample) {
    const auto found = tasks_.find(task_of(sample.id));
    if (found == tasks_.end()) return;
    for (const auto& id : found->second.of) {
      auto& cell = records_.cells[id];
      cell.samples += sample_line(agent, sample, found->second.witness);
      ++cell.sample_count;
    }
  }

  // What devices saw is a capture's; all other steps are in the cell's walk.
  void take(const std::string& agent, const Hop& hop) {
    const auto found = tasks_.find(task_of(hop.probe));
    if (found == tasks_.end() || !found->second.witness) return;
    for (const auto& id : found->second.of) {
      auto& cell = records_.cells[id];
      cell.nodes.insert(agent);
      if (hop.kind != HopKind::kDeviceIn && hop.kind != HopKind::kDeviceOut) continue;
      if (cell.steps.size() == kMostPackets) {
        ++cell.steps_left_out;
      } else {
        cell.steps.push_back({agent, hop});
      }
    }
  }

  Records records_;
  std::set<std::size_t> stages_;
  std::map<std::uint32_t, Wanted> tasks_;
};

template <typename Take>
Status each_record(const store::RunStore& runs, const std::string& run, Take take) {
  auto reader = runs.open(run);
  if (!reader) return std::unexpected(reader.error());
  while (true) {
    auto record = reader->next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return {};
    if (auto taken = take(**record); !taken) return taken;
  }
}

}  // namespace

ClockOffsets Records::offsets(std::size_t stage) const {
  ClockOffsets result;
  for (const auto& [key, ruleset] : rulesets) {
    if (std::get<0>(key) == stage) result.emplace(std::get<1>(key), ruleset.unix_ns - ruleset.at_ns);
  }
  return result;
}

// Twice through the records, as nothing may depend on their order.
Result<Records> collect(const store::RunStore& runs, const std::string& run, const plan::Plan& plan,
                        const std::set<std::string>& cells) {
  Collector collector(plan, cells);
  const auto marked = each_record(runs, run, [&](const store::Record& record) {
    return record.marker ? collector.take_marker(*record.marker) : Status();
  });
  if (!marked) return std::unexpected(marked.error());
  const auto taken = each_record(runs, run, [&](const store::Record& record) -> Status {
    if (record.batch) collector.take_batch(*record.batch);
    return {};
  });
  if (!taken) return std::unexpected(taken.error());
  return std::move(collector).take();
}

}  // namespace conntruth::bundle
