#include "controller/install/installation.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "controller/cluster/cluster_topology.hpp"

namespace conntruth::install {
namespace {

using cluster::PodFacts;

PodView view_of(const PodFacts& pod) { return {pod.name, pod.version, pod.ready, pod.state}; }

const Workload* find(const Facts& facts, std::string_view component) {
  const auto found = std::ranges::find(facts.workloads, component, &Workload::component);
  return found == facts.workloads.end() ? nullptr : &*found;
}

std::size_t anchors_of(const Facts& facts) {
  const auto count = std::ranges::count(facts.workloads, "anchor", &Workload::component);
  return count == 0 ? 2 : static_cast<std::size_t>(count);
}

// Where nodes may not be listed, those that have pods.
std::vector<cluster::NodeFacts> nodes_of(const Facts& facts) {
  if (facts.nodes_seen) return facts.cluster.nodes;
  std::set<std::string> names;
  for (const auto& pod : facts.cluster.pods) {
    if (!pod.node.empty()) names.insert(pod.node);
  }
  std::vector<cluster::NodeFacts> nodes;
  for (const auto& name : names) {
    nodes.emplace_back();
    nodes.back().node.name = name;
  }
  return nodes;
}

NodeView node_view(const cluster::NodeFacts& node, const Facts& facts) {
  NodeView view;
  view.name = node.node.name;
  view.why_not = cluster::why_uncovered(node, facts.cluster, anchors_of(facts));
  view.covered = view.why_not.empty();
  if (const auto* agent = cluster::pod_on(facts.cluster, view.name, "agent", -1)) view.agent = view_of(*agent);
  for (std::size_t number = 0; number < anchors_of(facts); ++number) {
    const auto* anchor = cluster::pod_on(facts.cluster, view.name, "anchor", static_cast<int>(number));
    if (anchor != nullptr) view.anchors.push_back(view_of(*anchor));
  }
  return view;
}

void read_controller(const Facts& facts, Installation& into) {
  for (const auto& pod : facts.cluster.pods) {
    if (pod.component != "controller" || (into.controller && !pod.ready)) continue;
    into.controller = view_of(pod);
    into.controller_node = pod.node;
  }
}

std::string installer_of(const Facts& facts) {
  if (!facts.releases.empty()) return fmt::format("Helm (release {})", facts.releases.front().name);
  const auto* controller = find(facts, "controller");
  const auto* agent = find(facts, "agent");
  const auto* any = controller != nullptr ? controller : agent;
  if (any != nullptr) return any->managed_by.empty() ? "somebody" : any->managed_by;
  return facts.inventory.objects.empty() ? "" : facts.inventory.objects.front().managed_by;
}

void read_version(const Facts& facts, Installation& into) {
  // Pods tell it where nothing else may be seen.
  for (const auto& pod : facts.cluster.pods) {
    into.version = pod.version;
    into.image = pod.image;
  }
  for (const auto* component : {"anchor", "agent", "controller"}) {
    if (const auto* workload = find(facts, component)) {
      into.version = workload->version;
      into.image = workload->image;
    }
  }
  if (const auto* agent = find(facts, "agent")) into.profile = agent->profile;
}

// Helm's values may leave objects out; without that all of the base have to be there. Who made the namespace or the
// Secret is nobody's affair.
void find_missing(const Facts& facts, Installation& into) {
  if (!facts.inventory.not_seen.empty()) return;
  InstallOptions options;
  options.tls = TlsMode::kSecret;
  const auto wanted = objects_of(options);
  if (!wanted) return;
  std::vector<std::string> missing;
  for (const auto& object : *wanted) {
    const bool helm = !facts.releases.empty() && object.kind->group != "apps";
    if (object.kind->kind != "Namespace" && !helm && !facts.inventory.has(object.title()))
      missing.push_back(object.title());
  }
  if (!missing.empty()) into.problems.push_back(fmt::format("missing: {}", fmt::join(missing, ", ")));
}

void judge_workloads(const Facts& facts, Installation& into) {
  for (const auto& each : facts.workloads) {
    if (each.wanted == 0 && each.observed)
      into.problems.push_back(fmt::format("{} {} is to have no pods", each.kind->kind, each.name));
    if (each.observed && each.updated < each.wanted)
      into.problems.push_back(
          fmt::format("{} {}: {} of {} pods are as it is now", each.kind->kind, each.name, each.updated, each.wanted));
    if (each.version != into.version || each.image != into.image)
      into.problems.push_back(fmt::format("{} {} is {} ({}), the controller {} ({})", each.kind->kind, each.name,
                                          each.version, each.image, into.version, into.image));
  }
  for (const auto& pod : facts.cluster.pods) {
    const auto* workload = find(facts, pod.component);
    if (workload != nullptr && !pod.image.empty() && pod.image != workload->image)
      into.problems.push_back(
          fmt::format("pod {} on {} runs {}, not {}", pod.name, pod.node, pod.image, workload->image));
  }
}

void judge(const Facts& facts, Installation& into) {
  find_missing(facts, into);
  judge_workloads(facts, into);
  if (!into.controller && find(facts, "controller") != nullptr) into.problems.emplace_back("the controller has no pod");
  if (into.controller && !into.controller->ready)
    into.problems.push_back(
        fmt::format("the controller's pod {} is not ready: {}", into.controller->name, into.controller->state));
  for (const auto& node : into.nodes) {
    if (!node.covered) into.problems.push_back(fmt::format("not covered: {}", node.why_not));
  }
  if (into.leftovers.total() > 0)
    into.problems.push_back(fmt::format("{} objects of a run that is over; `kubectl conntruth cleanup` removes them",
                                        into.leftovers.total()));
}

}  // namespace

int Installation::exit_code() const {
  if (!problems.empty()) return 2;
  if (!not_seen.empty()) return 1;
  return installed ? 0 : 3;
}

Installation assess(const Facts& facts, const std::string& where) {
  Installation result;
  result.where = where;
  result.not_seen = facts.not_seen;
  result.installed = !facts.inventory.objects.empty() || !facts.workloads.empty() || !facts.cluster.pods.empty();
  const bool running = facts.run_lease && facts.run_lease->live;
  if (!running) result.leftovers = facts.run_objects;
  if (!result.installed) return result;
  result.installed_by = installer_of(facts);
  read_version(facts, result);
  read_controller(facts, result);
  for (const auto& node : nodes_of(facts)) result.nodes.push_back(node_view(node, facts));
  result.controller_lease = facts.controller_lease;
  if (running) result.run_lease = facts.run_lease;
  judge(facts, result);
  return result;
}

}  // namespace conntruth::install
