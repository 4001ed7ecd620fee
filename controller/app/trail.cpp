#include "controller/app/trail.hpp"

namespace conntruth::app {

Trail::Trail(const plan::Plan& plan) {
  for (const auto& stage : plan.stages) {
    std::unordered_map<std::uint32_t, std::string> agents;
    for (const auto& planned : stage.tasks) {
      if (planned.task.foreign) agents.emplace(planned.task.id, planned.agent);
    }
    for (const auto& cell : stage.cells) {
      if (!cell.foreign || cell.flow.entry.kind == EntryKind::kPodIp) continue;
      const auto& flow = cell.flow;
      const auto& decider = flow.entry.node.empty() ? flow.vantage.node : flow.entry.node;
      for (const auto task : cell.tasks) {
        const auto agent = agents.find(task);
        if (agent == agents.end() || agent->second == decider) continue;
        tasks_.insert_or_assign(task, Elsewhere{decider, flow.protocol, flow.vantage.source, flow.entry.target});
      }
    }
  }
}

std::map<std::string, std::vector<FlowQuestion>> Trail::follow(const ResultBatch& batch) {
  std::map<std::string, std::vector<FlowQuestion>> questions;
  if (tasks_.empty()) return questions;
  for (const auto& sight : batch.sights) {
    const auto found = tasks_.find(task_of(sight.id));
    // Only what passed untranslated is the other node's to decide about.
    if (found != tasks_.end() && sight.destination == found->second.target) sources_[sight.id] = sight.source;
  }
  for (const auto& sample : batch.samples) {
    const auto found = tasks_.find(task_of(sample.id));
    if (found == tasks_.end()) continue;
    if (sample.outcome != Outcome::kReplied && sample.outcome != Outcome::kTimedOut) continue;
    const auto& where = found->second;
    const auto left = sources_.find(sample.id);
    const SocketAddress source =
        left == sources_.end() ? SocketAddress{where.source, sample.source_port} : left->second;
    questions[where.decider].push_back({sample.id, where.protocol, source, where.target});
    if (left != sources_.end()) sources_.erase(left);
  }
  return questions;
}

}  // namespace conntruth::app
