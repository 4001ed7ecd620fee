#include "controller/app/install_command.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/codec/json_as_yaml.hpp"
#include "controller/install/installation.hpp"
#include "controller/install/installer.hpp"
#include "controller/install/inventory.hpp"
#include "controller/install/permission.hpp"
#include "controller/install/workloads.hpp"

namespace conntruth::app {
namespace {

using install::Applied;
using install::Object;
using install::Outcome;

void say(bool quiet, const std::string& line) {
  if (!quiet) fmt::print(stderr, "conntruth: {}\n", line);
}

int print_objects(const std::vector<Object>& objects, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    auto list =
        nlohmann::ordered_json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", nlohmann::ordered_json::array()}};
    for (const auto& object : objects) list["items"].push_back(nlohmann::ordered_json::parse(object.json));
    fmt::print("{}\n", list.dump(2));
    return 0;
  }
  const char* between = "";
  for (const auto& object : objects) {
    fmt::print("{}{}", between, codec::json_as_yaml(object.json));
    between = "---\n";
  }
  return 0;
}

// Before anything is done: what the cluster has to have already.
Status check_cluster(kube::Client& client, const install::InstallOptions& options) {
  const auto inventory = install::take_inventory(client, client.default_deadline());
  if (!inventory) return std::unexpected(inventory.error());
  if (!inventory->not_seen.empty()) return fail(ErrorCode::kPermission, inventory->not_seen.front());
  const auto releases = install::helm_releases(client, *inventory);
  if (!releases) return std::unexpected(releases.error());
  if (!releases->empty())
    return fail(ErrorCode::kConflict,
                fmt::format("Helm has installed conntruth here (release {0}); change it with `helm upgrade {0} ... "
                            "--namespace {1}`, or remove it with `{2}`",
                            releases->front().name, releases->front().namespace_name, helm_removal(releases->front())));
  if (options.tls == install::TlsMode::kSecret) {
    const auto secret = client.call(kube::get(kube::kSecrets, install::kSystemNamespace, install::kTlsSecret));
    if (secret) return {};
    if (secret.error().code != ErrorCode::kNotFound) return std::unexpected(secret.error());
    return fail(ErrorCode::kNotFound,
                fmt::format("--tls secret: there is no Secret {0}/{1}; make it first (namespace {0}, then "
                            "deploy/tls/certificate.sh), or leave --tls away and one is made",
                            install::kSystemNamespace, install::kTlsSecret));
  }
  if (options.tls == install::TlsMode::kCertManager) {
    const auto* issuers = install::kind_of("cert-manager.io/v1", "Issuer");
    const auto listed = client.call(kube::list(*issuers, install::kSystemNamespace));
    if (!listed && listed.error().code == ErrorCode::kNotFound)
      return fail(
          ErrorCode::kNotFound,
          "--tls cert-manager: this cluster has no cert-manager (no API cert-manager.io/v1); install it, or leave "
          "--tls away and the certificate is made here");
  }
  return {};
}

void print_applied(const std::vector<Applied>& applied) {
  std::size_t unchanged = 0;
  for (const auto& each : applied) {
    if (each.outcome == Outcome::kUnchanged) {
      ++unchanged;
    } else {
      fmt::print("{} {}\n", each.object.title(), to_string(each.outcome));
    }
  }
  if (unchanged == applied.size()) {
    fmt::print("unchanged: all {} objects are as they have to be\n", unchanged);
  } else if (unchanged > 0) {
    fmt::print("{} objects unchanged\n", unchanged);
  }
}

// Every pod that is wanted is there; whether every node wants one is another question. Whoever may not list nodes is
// told by the run.
void name_uncovered(kube::Client& client) {
  const auto facts = install::read_facts(client, std::chrono::system_clock::now());
  if (!facts) return;
  for (const auto& node : install::assess(*facts, {}).nodes) {
    if (!node.covered) fmt::print(stderr, "conntruth: not covered: {}\n", node.why_not);
  }
}

std::string image_of(const std::vector<install::Workload>& workloads) {
  return workloads.empty() ? "" : workloads.front().image;
}

kube::ClientOptions as_installer() {
  kube::ClientOptions options;
  options.field_manager = std::string(install::kInstaller);
  return options;
}

// 0, or 2 where they are not ready in time; all objects stay then.
int await_and_tell(kube::Client& client, const std::string& where, const InstallRequest& request,
                   const install::Say& progress) {
  const auto workloads = install::await_workloads(client, request.timeout, progress);
  if (!workloads) {
    fmt::print(stderr,
               "conntruth: {}\nconntruth: all objects stay; `kubectl conntruth status` shows more, `kubectl conntruth "
               "uninstall` takes them away\n",
               workloads.error().message);
    return 2;
  }
  name_uncovered(client);
  fmt::print(
      "conntruth {} is in {}, namespace {}, profile {}, image {}: {}\nnext: kubectl conntruth run --select clusterip\n",
      workloads->front().version, where, install::kSystemNamespace, to_string(request.options.profile),
      image_of(*workloads), words_of(*workloads));
  return 0;
}

}  // namespace

Result<int> install_conntruth(const InstallRequest& request) {
  auto options = request.options;
  options.namespace_name = request.cluster.system_namespace;
  const auto objects = install::objects_of(options);
  if (!objects) return std::unexpected(objects.error());
  if (request.dry_run == DryRun::kClient) return print_objects(*objects, request.format);
  const auto cluster = open_cluster(request.cluster, as_installer());
  if (!cluster) return std::unexpected(cluster.error());
  auto& client = *cluster->client;
  if (auto may = install::check_install_rights(client, *objects); !may) return std::unexpected(may.error());
  if (auto fit = check_cluster(client, options); !fit) return std::unexpected(fit.error());
  const auto progress = [&](const std::string& line) { say(request.quiet, line); };
  progress(fmt::format("installing {} objects in {}", objects->size(), cluster->where));
  const auto applied = install::apply_all(client, *objects, progress);
  if (!applied) return std::unexpected(applied.error());
  print_applied(*applied);
  if (request.wait) return await_and_tell(client, cluster->where, request, progress);
  fmt::print("not waited for; next: kubectl conntruth status\n");
  return 0;
}

}  // namespace conntruth::app
