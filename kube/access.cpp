#include "kube/access.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "kube/kubeconfig.hpp"

namespace conntruth::kube {
namespace {

std::string variable(const char* name) {
  const auto* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables
  return value == nullptr ? "" : value;
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Result<Access> from_files(const std::vector<std::string>& paths, std::string_view context) {
  std::vector<ConfigText> texts;
  for (const auto& path : paths) {
    auto text = read_file(path, "kubeconfig");
    if (!text) return std::unexpected(text.error());
    texts.push_back({path, std::move(*text)});
  }
  return access_of(texts, context);
}

// $KUBECONFIG: files that are missing are passed over, as kubectl does, unless all are.
Result<Access> from_list(std::string_view list, std::string_view context) {
  std::vector<std::string> paths;
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(':', begin), list.size());
    std::string path(list.substr(begin, end - begin));
    if (!path.empty() && exists(path)) paths.push_back(std::move(path));
    begin = end + 1;
  }
  if (paths.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("$KUBECONFIG: none of the files exists: {}; correct or unset it", list));
  return from_files(paths, context);
}

Result<Access> in_cluster(const AccessQuery& query) {
  Access access;
  access.origin = fmt::format("service account {}", query.service_account);
  const auto bare = query.service_host.contains(':') ? fmt::format("[{}]", query.service_host) : query.service_host;
  const auto url = fmt::format("https://{}:{}", bare, query.service_port.empty() ? "443" : query.service_port);
  if (const auto read = read_server(url, access); !read)
    return std::unexpected(read.error().in("KUBERNETES_SERVICE_HOST"));
  auto ca = read_file(query.service_account + "/ca.crt", "service account:");
  if (!ca) return std::unexpected(ca.error());
  access.ca_pem = std::move(*ca);
  access.token_file = query.service_account + "/token";
  if (const auto token = read_file(access.token_file, "service account:"); !token)
    return std::unexpected(token.error());
  if (const auto space = read_file(query.service_account + "/namespace", "service account:"))
    access.namespace_name = *space;
  return access;
}

Result<Access> choose(const AccessQuery& query) {
  if (!query.kubeconfig.empty()) return from_files({query.kubeconfig}, query.context);
  if (!query.kubeconfig_env.empty()) return from_list(query.kubeconfig_env, query.context);
  const auto home = query.home + "/.kube/config";
  if (exists(home)) return from_files({home}, query.context);
  if (!query.service_host.empty()) return in_cluster(query);
  return fail(
      ErrorCode::kNotFound,
      fmt::format("no cluster: no --kubeconfig, no $KUBECONFIG, no {}, and not in a pod (no $KUBERNETES_SERVICE_HOST); "
                  "name a kubeconfig",
                  home));
}

}  // namespace

AccessQuery AccessQuery::from_environment() {
  AccessQuery query;
  query.kubeconfig_env = variable("KUBECONFIG");
  query.home = variable("HOME");
  query.service_host = variable("KUBERNETES_SERVICE_HOST");
  query.service_port = variable("KUBERNETES_SERVICE_PORT");
  return query;
}

Result<Access> find_access(const AccessQuery& query) {
  auto access = choose(query);
  if (access) access->network_namespace = query.network_namespace;
  return access;
}

}  // namespace conntruth::kube
