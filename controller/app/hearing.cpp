#include "controller/app/hearing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/app/runner.hpp"
#include "controller/plan/dependence.hpp"

namespace conntruth::app {

namespace {

constexpr std::string_view kCapability = "packet-walk";

// Why an agent cannot, in its own words: "no-packet-walk: REASON".
std::string why_not(const std::vector<std::string>& capabilities) {
  constexpr std::string_view kNot = "no-packet-walk: ";
  const auto found = std::ranges::find_if(capabilities, [&](const auto& each) { return each.starts_with(kNot); });
  return found == capabilities.end() ? "it does not know the packet walk" : found->substr(kNot.size());
}

}  // namespace

Hearing::Hearing(Runner& runner, const plan::Plan& plan)
    : runner_(runner), plan_(plan), suspects_(plan), next_task_(evidence::last_task(plan) + 1) {
  for (const auto& [name, hello] : runner.agents()) {
    if (std::ranges::find(hello.capabilities, kCapability) != hello.capabilities.end()) {
      watchers_.insert(name);
    } else {
      runner.note_evidence(fmt::format("{}: no packet walk: {}", name, why_not(hello.capabilities)));
    }
  }
}

std::vector<evidence::Suspect> Hearing::suspects(const plan::Stage& stage) const {
  auto suspects = suspects_.all();
  const auto dependence = plan::dependence_on(runner_.lost(), plan_, stage);
  std::erase_if(suspects, [&](const auto& each) { return dependence.cells[each.cell]; });
  return suspects;
}

Status Hearing::hold(const plan::Stage& stage) {
  if (watchers_.empty()) return {};
  const auto summons = evidence::summon(stage, suspects(stage), next_task_);
  if (summons.witnesses.empty()) return {};
  next_task_ += static_cast<std::uint32_t>(summons.witnesses.size());
  if (summons.left_out > 0) runner_.note_evidence(fmt::format("{} more cells have no witnesses", summons.left_out));
  if (auto status = runner_.mark(evidence::kWitnessMarker, evidence::to_json(summons.witnesses)); !status)
    return status;
  if (auto status = order(WalkOrder::kStart); !status) return status;
  auto status = question(summons);
  const auto stopped = order(WalkOrder::kStop);
  return status ? stopped : status;
}

Status Hearing::question(const evidence::Summons& summons) {
  runner_.announce(fmt::format("asking why of {} cells", summons.cells), summons.tasks);
  auto outstanding = runner_.assign(summons.tasks);
  if (!outstanding) return std::unexpected(outstanding.error());
  return runner_.settle(std::move(*outstanding));
}

Status Hearing::order(WalkOrder walk) {
  Runner::Outstanding outstanding;
  for (const auto& agent : watchers_) {
    Assignment assignment;
    assignment.walk = walk;
    if (auto status = runner_.assign_to(agent, std::move(assignment), outstanding); !status) return status;
  }
  std::vector<std::uint64_t> ids;
  for (const auto& [id, agent] : outstanding) ids.push_back(id);
  if (auto status = runner_.mark(kWalkOrdersMarker, nlohmann::json(ids).dump()); !status) return status;
  return runner_.settle(std::move(outstanding));
}

}  // namespace conntruth::app
