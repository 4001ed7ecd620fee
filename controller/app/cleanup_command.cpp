#include "controller/app/cleanup_command.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include "controller/kube/run_lease.hpp"
#include "controller/kube/world_writer.hpp"
#include "kube/access.hpp"
#include "kube/client.hpp"
#include "lab/lab.hpp"

namespace conntruth::app {

namespace {

Result<kube::AccessQuery> query_of(const CleanupRequest& request) {
  if (request.lab.empty()) {
    auto query = kube::AccessQuery::from_environment();
    query.kubeconfig = request.kubeconfig;
    query.context = request.context;
    return query;
  }
  const auto lab = lab::Lab::open(request.lab);
  if (!lab) return std::unexpected(lab.error());
  const auto access = lab->kubernetes();
  if (!access) {
    return fail(ErrorCode::kNotFound, "lab " + request.lab +
                                          " has no Kubernetes API, so that nothing can be left in it; labs with one "
                                          "are made by `conntruth lab up --kubernetes`");
  }
  kube::AccessQuery query;
  query.kubeconfig = access->kubeconfig;
  query.network_namespace = access->netns;
  return query;
}

Status check_no_run(kube::Client& client, bool force) {
  kube::RunLeaseOptions options;
  options.holder = fmt::format("cleanup, process {}", getpid());
  options.take_over = force;
  const auto lease = kube::RunLease::acquire(client, options);
  if (lease) return {};
  if (lease.error().code != ErrorCode::kConflict) return std::unexpected(lease.error());
  return fail(ErrorCode::kConflict, lease.error().message + "; --force cleans up at once");
}

}  // namespace

Result<CleanupReport> cleanup(kube::Client& client, const std::string& where, bool force, bool finalize_namespaces) {
  CleanupReport report{where};
  if (auto free = check_no_run(client, force); !free) return std::unexpected(free.error());
  kube::ClusterWorldOptions options;
  options.finalize_namespaces = finalize_namespaces;
  auto cluster = kube::ClusterWorld::adopt(client, options);
  if (!cluster) return std::unexpected(cluster.error());
  const auto left = cluster->published();
  report.services = left.services.size();
  report.endpoint_slices = left.slices.size();
  if (auto swept = cluster->sweep(); !swept) return std::unexpected(swept.error());
  return report;
}

Result<CleanupReport> cleanup(const CleanupRequest& request) {
  const auto query = query_of(request);
  if (!query) return std::unexpected(query.error());
  auto access = kube::find_access(*query);
  if (!access) return std::unexpected(access.error());
  const auto where = access->origin;
  const auto client = kube::Client::make(std::move(*access), {});
  if (!client) return std::unexpected(client.error());
  return cleanup(**client, where, request.force, !request.lab.empty());
}

}  // namespace conntruth::app
