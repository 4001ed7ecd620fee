#include <fmt/core.h>
#include <unistd.h>

#include <array>

#include "controller/app/world_delivery.hpp"
#include "controller/kube/existing_world.hpp"
#include "controller/kube/node_states.hpp"
#include "controller/kube/run_lease.hpp"
#include "controller/kube/world_publisher.hpp"
#include "kube/access.hpp"
#include "kube/client.hpp"

namespace conntruth::app {

namespace {

std::string this_process() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return fmt::format("host {}, process {}", host.data(), getpid());
}

constexpr std::chrono::seconds kReadIn{60};
constexpr std::chrono::seconds kNodesIn{30};  // what changes of Nodes may take

class ApiDelivery final : public WorldDelivery {
 public:
  ApiDelivery(std::unique_ptr<kube::Client> client, kube::ClusterWorld cluster, std::optional<lab::Lab> reference)
      : client_(std::move(client)), cluster_(std::move(cluster)), nodes_(*client_), reference_(std::move(reference)) {}

  Result<std::int64_t> publish(const world::World& world) override {
    if (world.services.empty()) return remove_all(world);
    if (auto held = hold_lease(); !held) return std::unexpected(held.error());
    if (auto done = nodes_.publish(world.nodes, client_->deadline_in(kNodesIn)); !done)
      return std::unexpected(done.error());
    return cluster_.publish(world, [&] { return write_file(world); });
  }

  // A foreign proxy says nothing that could be relied upon: the canary's probes tell.
  std::vector<Programmed> wait_programmed(std::uint64_t /*generation*/,
                                          std::chrono::steady_clock::time_point /*deadline*/) override {
    return {};
  }

  Result<world::Existing> existing() override {
    return kube::read_existing_world(*client_, client_->deadline_in(kReadIn));
  }

  // What is written last may have to wait for the end of a sync that the rest has begun, a second
  // (--iptables-min-sync-period, --nftables-min-sync-period) and a sync. A sync is up to 0.7 s of writing rules and up
  // to 2 s of reading conntrack (docs/findings/0003), for which flows that go on wait besides.
  Environment::Patience patience() const override {
    return {std::chrono::seconds(5), std::chrono::seconds(20), std::chrono::seconds(15), std::chrono::seconds(2)};
  }

 private:
  // Of a lab only one run at a time gets hold (LabEnvironment locks it), so that a holder who is still named is dead.
  Status hold_lease() {
    if (lease_) return lease_->held();
    kube::RunLeaseOptions options;
    options.holder = this_process();
    options.take_over = true;
    auto taken = kube::RunLease::acquire(*client_, options);
    if (!taken) return std::unexpected(taken.error());
    lease_ = std::move(*taken);
    return {};
  }

  Status write_file(const world::World& world) { return reference_ ? reference_->publish(world) : Status(); }

  Result<std::int64_t> remove_all(const world::World& world) {
    const auto at_ns = monotonic_ns();
    if (auto done = write_file(world); !done) return std::unexpected(done.error());
    if (auto done = nodes_.restore(client_->deadline_in(kNodesIn)); !done) return std::unexpected(done.error());
    lease_.reset();
    if (auto swept = cluster_.sweep(); !swept) return std::unexpected(swept.error());
    return at_ns;
  }

  std::unique_ptr<kube::Client> client_;  // used by cluster_
  kube::WorldPublisher cluster_;
  std::unique_ptr<kube::RunLease> lease_;
  kube::NodeStates nodes_;  // a lab's own: in a real cluster they would be left alone
  std::optional<lab::Lab> reference_;
};

}  // namespace

Result<std::unique_ptr<WorldDelivery>> deliver_by_api(const lab::KubernetesAccess& access,
                                                      std::optional<lab::Lab> reference) {
  kube::AccessQuery query;
  query.kubeconfig = access.kubeconfig;
  query.network_namespace = access.netns;
  auto found = kube::find_access(query);
  if (!found) return std::unexpected(found.error());
  auto client = kube::Client::make(std::move(*found), {});
  if (!client) return std::unexpected(client.error());
  kube::ClusterWorldOptions options;
  options.finalize_namespaces = !access.controllers;  // else its controller-manager does
  auto cluster = kube::ClusterWorld::adopt(**client, options);
  if (!cluster) return std::unexpected(cluster.error());
  return std::make_unique<ApiDelivery>(std::move(*client), std::move(*cluster), std::move(reference));
}

}  // namespace conntruth::app
