#include "controller/catalogue/workload_scenarios.hpp"

#include <algorithm>

namespace conntruth::catalogue {
namespace {

// Longer than any stage takes with which it stands side by side, and its end is not waited for.
constexpr std::chrono::seconds kWholeStages{90};
// Longer than dataplanes are allowed to take before they send nothing to a terminating pod any more.
constexpr std::chrono::seconds kBeyondFollowing{8};

WorkloadStep step(std::string name, Pods replicas = Pods::kAll, Pods withheld = Pods::kNone) {
  return {std::move(name), replicas, withheld, false, false};
}

}  // namespace

std::uint32_t count_of(Pods pods, std::size_t nodes) {
  const auto all = static_cast<std::uint32_t>(nodes);
  switch (pods) {
    case Pods::kNone:
      return 0;
    case Pods::kOne:
      return std::min(all, 1U);
    case Pods::kAllButOne:
      return all - std::min(all, 1U);
    case Pods::kAll:
      return all;
  }
  return 0;
}

std::vector<WorkloadScenario> workload_scenarios() {
  std::vector<WorkloadScenario> all;
  all.push_back({"deployment-ready",
                 "Every pod of a Deployment is ready",
                 {"gap.workload.ready"},
                 {},
                 {{"ready", true, false, false}, {"ready-local", true, true, false}},
                 {},
                 {step("ready")}});
  all.push_back({"readiness",
                 "A pod whose readiness is withdrawn leaves its Services, but not one that publishes it all the same",
                 {"gap.workload.readiness"},
                 {},
                 {{"readiness", false, false, false}, {"readiness-published", false, false, true}},
                 {},
                 {step("all-ready"), step("one-withdrawn", Pods::kAll, Pods::kOne), step("given-back")}});
  auto up_again = step("up-again");
  up_again.anew = true;
  all.push_back({"scale-to-zero",
                 "A Deployment is scaled to zero, and up again",
                 {"gap.workload.scale"},
                 {},
                 {{"scaled", true, false, false}},
                 {},
                 {step("up"), step("zero", Pods::kNone), up_again}});
  all.push_back({"termination",
                 "Pods go on serving while they are terminating",
                 {"gap.workload.termination", "KEP-1669"},
                 kWholeStages,
                 {{"draining", false, false, false}, {"draining-local", true, true, false}},
                 {"draining"},
                 {step("serving"), step("one-terminating", Pods::kAllButOne), step("all-terminating", Pods::kNone)}});
  auto rolling = step("rolling");
  rolling.anew = true;
  rolling.rollout = true;
  all.push_back({"rolling-update",
                 "Every pod is replaced while clients open new flows",
                 {"gap.workload.rollout"},
                 kBeyondFollowing,
                 {{"rolling", false, false, false}},
                 {},
                 {step("before"), rolling, step("after")}});
  return all;
}

Scenario outline_of(const WorkloadScenario& scenario) {
  Scenario outline;
  outline.id = scenario.id;
  outline.title = scenario.title;
  outline.covers = scenario.covers;
  for (const auto& each : scenario.steps) {
    outline.steps.emplace_back();
    outline.steps.back().name = each.name;
  }
  return outline;
}

}  // namespace conntruth::catalogue
