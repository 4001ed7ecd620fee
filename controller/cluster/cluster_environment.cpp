#include "controller/cluster/cluster_environment.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "controller/cluster/rights.hpp"
#include "controller/kube/existing_world.hpp"

namespace conntruth::cluster {

namespace {

constexpr std::chrono::seconds kReadIn{60};

}  // namespace

Result<std::unique_ptr<ClusterEnvironment>> ClusterEnvironment::open(kube::Client& client, ClusterOptions options) {
  const bool ranges = options.topology.service_ranges.empty();
  auto rights = options.reading ? rights_of_a_reading(options.system_namespace, ranges, options.admission)
                                : rights_of_a_run(options.system_namespace, ranges, options.admission);
  if (options.workloads) std::ranges::copy(rights_of_workloads(options.system_namespace), std::back_inserter(rights));
  if (auto checked = check_rights(client, rights); !checked) return std::unexpected(checked.error());
  ReadOptions read;
  read.system_namespace = options.system_namespace;
  read.read_ranges = options.topology.service_ranges.empty();
  auto facts = read_cluster(client, read, client.deadline_in(kReadIn));
  if (!facts) return std::unexpected(facts.error());
  auto topology = topology_of(*facts, options.topology);
  if (!topology) return std::unexpected(topology.error());
  auto world = kube::ClusterWorld::adopt(client, {});
  if (!world) return std::unexpected(world.error());
  auto environment = std::unique_ptr<ClusterEnvironment>(
      new ClusterEnvironment(client, std::move(options), std::move(*facts), std::move(*topology), std::move(*world)));
  if (auto opened = environment->open_workloads(); !opened) return std::unexpected(opened.error());
  return environment;
}

Status ClusterEnvironment::open_workloads() {
  if (!options_.workloads) return {};
  std::vector<std::string> hosts;
  for (const auto& each : facts_.nodes) {
    if (topology_.topology.node(each.node.name) == nullptr) continue;
    const auto label = each.node.labels.find("kubernetes.io/hostname");
    hosts.push_back(label == each.node.labels.end() ? each.node.name : label->second);
  }
  auto workloads = ClusterWorkloads::open(client_, options_.system_namespace, std::move(hosts));
  if (!workloads) return std::unexpected(workloads.error());
  workloads_ = std::move(*workloads);
  return {};
}

// Errors were told when the run cleared its world; whatever is left the next run adopts, and `conntruth cleanup` takes.
ClusterEnvironment::~ClusterEnvironment() {
  stop_agents();
  if (written_) static_cast<void>(sweep());
}

namespace {

kube::RunLeaseOptions agents_lease(const std::string& system_namespace, const std::string& holder) {
  kube::RunLeaseOptions lease;
  lease.namespace_name = system_namespace;
  lease.name = "conntruth-controller";
  lease.holder = holder;
  lease.make_namespace = false;
  return lease;
}

}  // namespace

std::vector<world::Node> ClusterEnvironment::nodes() const {
  std::vector<world::Node> nodes;
  for (const auto& each : facts_.nodes) nodes.push_back(each.node);
  return nodes;
}

std::string ClusterEnvironment::kernel() const {
  std::set<std::string> kernels;
  for (const auto& each : facts_.nodes) kernels.insert(each.kernel);
  return fmt::format("{}", fmt::join(kernels, ", "));
}

std::string ClusterEnvironment::where_agents_log() const {
  return fmt::format("`kubectl -n {} logs -l app.kubernetes.io/component=agent` shows why", options_.system_namespace);
}

Result<world::Existing> ClusterEnvironment::existing() {
  return kube::read_existing_world(client_, client_.deadline_in(kReadIn));
}

Status ClusterEnvironment::hold_run_lease() {
  if (run_lease_) return run_lease_->held();
  kube::RunLeaseOptions lease;
  lease.holder = options_.holder;
  auto taken = kube::RunLease::acquire(client_, lease);
  if (!taken) return std::unexpected(taken.error());
  run_lease_ = std::move(*taken);
  written_ = true;
  return {};
}

Status ClusterEnvironment::start_agents(const std::string& endpoint) {
  if (!options_.reading) {
    if (auto held = hold_run_lease(); !held) return held;
  }
  auto lease = agents_lease(options_.system_namespace, options_.holder);
  lease.take_over = !options_.reading;  // the Lease of the run says that no other one is alive
  lease.labels = {{"app.kubernetes.io/name", "conntruth"}, {"app.kubernetes.io/component", "controller"}};
  lease.annotations = {{std::string(kAgentsAnnotation), endpoint}};
  lease.owner = options_.owner;
  auto taken = kube::RunLease::acquire(client_, lease);
  if (!taken) return std::unexpected(taken.error());
  agents_lease_ = std::move(*taken);
  return {};
}

Result<std::int64_t> ClusterEnvironment::publish(const world::World& world) {
  if (world.services.empty()) {
    if (auto done = sweep(); !done) return std::unexpected(done.error());
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  if (auto held = hold_run_lease(); !held) return std::unexpected(held.error());
  return world_.publish(world);
}

Status ClusterEnvironment::sweep() {
  if (workloads_) workloads_->unwatch();
  run_lease_.reset();  // it lives in a namespace that goes
  auto swept = world_.sweep();
  if (swept) written_ = false;
  return swept;
}

// kube-proxy writes rules once a second at most (--iptables-min-sync-period, --nftables-min-sync-period), and listing
// conntrack keeps a core busy for long.
Environment::Patience ClusterEnvironment::patience() const {
  const std::chrono::seconds unit(options_.slowness);
  return {5 * unit, 20 * unit, 15 * unit, 2 * unit};
}

namespace {

// So that agents wait for the next run, and do not dial a controller that is gone.
Status end_agents_lease(kube::Client& client, const std::string& system_namespace, const std::string& holder) {
  auto lease = agents_lease(system_namespace, holder);
  const auto left = client.call(kube::get(kube::kLeases, lease.namespace_name, lease.name));
  if (!left && left.error().code == ErrorCode::kNotFound) return {};
  if (!left) return std::unexpected(left.error());
  lease.take_over = true;  // the Lease of the run, which is ours by now, says that no other one is alive
  auto taken = kube::RunLease::acquire(client, lease);
  if (!taken) return std::unexpected(taken.error());
  return {};  // which gives it back
}

}  // namespace

Result<bool> sweep_leftovers(kube::Client& client, const std::string& system_namespace, const std::string& holder) {
  auto left = kube::ClusterWorld::adopt(client, {});
  if (!left) return std::unexpected(left.error());
  const auto world = left->published();
  const auto lease = client.call(kube::get(kube::kLeases, kube::RunLeaseOptions().namespace_name, "run"));
  if (!lease && lease.error().code != ErrorCode::kNotFound) return std::unexpected(lease.error());
  if (!lease && world.services.empty() && world.slices.empty()) return false;
  kube::RunLeaseOptions options;
  options.holder = holder;
  auto taken = kube::RunLease::acquire(client, options);
  if (!taken) return std::unexpected(taken.error());
  if (auto ended = end_agents_lease(client, system_namespace, holder); !ended) return std::unexpected(ended.error());
  taken->reset();
  if (auto swept = left->sweep(); !swept) return std::unexpected(swept.error());
  return true;
}

}  // namespace conntruth::cluster
