#include "kube/request.hpp"

#include <fmt/format.h>

#include <cctype>

namespace conntruth::kube {
namespace {

constexpr std::string_view kJson = "application/json";

std::string path_of(const Resource& resource, std::string_view namespace_name, std::string_view name = {},
                    std::string_view subresource = {}) {
  auto path = resource.group.empty() ? fmt::format("/api/{}", resource.version)
                                     : fmt::format("/apis/{}/{}", resource.group, resource.version);
  if (resource.namespaced && !namespace_name.empty()) path += fmt::format("/namespaces/{}", namespace_name);
  path += fmt::format("/{}", resource.plural);
  if (!name.empty()) path += fmt::format("/{}", name);
  if (!subresource.empty()) path += fmt::format("/{}", subresource);
  return path;
}

Request about(std::string_view verb, const Resource& resource, std::string_view namespace_name, std::string_view name) {
  Request request;
  request.verb = verb;
  request.group = resource.group;
  request.resource = resource.plural;
  if (resource.namespaced) request.namespace_name = namespace_name;
  request.name = name;
  request.path = path_of(resource, namespace_name, name);
  return request;
}

Request with_body(Request request, Method method, std::string body, std::string_view content_type) {
  request.method = method;
  request.body = std::move(body);
  request.content_type = content_type;
  return request;
}

std::string encoded(std::string_view text) {
  std::string result;
  for (const auto letter : text) {
    if (std::isalnum(static_cast<unsigned char>(letter)) != 0 || std::string_view("-._~").contains(letter)) {
      result += letter;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  return result;
}

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
  }
  return "?";
}

std::string object_of(const Request& request) {
  std::string where = request.namespace_name;
  if (!where.empty() && !request.name.empty()) where += '/';
  where += request.name;
  return where.empty() ? request.resource : fmt::format("{} {}", request.resource, where);
}

std::string target_of(const Request& request) {
  auto target = request.path;
  auto separator = '?';
  for (const auto& [key, value] : request.query) {
    target += fmt::format("{}{}={}", separator, key, encoded(value));
    separator = '&';
  }
  return target;
}

Request get(const Resource& resource, std::string_view namespace_name, std::string_view name) {
  return about("get", resource, namespace_name, name);
}

Request list(const Resource& resource, std::string_view namespace_name, std::string_view selector) {
  auto request = about("list", resource, namespace_name, {});
  if (!selector.empty()) request.query.emplace_back("labelSelector", selector);
  return request;
}

Request watch(const Resource& resource, std::string_view namespace_name, std::string_view selector,
              std::string_view version) {
  auto request = list(resource, namespace_name, selector);
  request.verb = "watch";
  request.query.emplace_back("watch", "true");
  request.query.emplace_back("allowWatchBookmarks", "true");
  request.query.emplace_back("resourceVersion", version);
  return request;
}

Request create(const Resource& resource, std::string_view namespace_name, std::string_view name, std::string body) {
  auto request = with_body(about("create", resource, namespace_name, name), Method::kPost, std::move(body), kJson);
  request.path = path_of(resource, namespace_name);
  request.repeatable = false;
  return request;
}

Request replace(const Resource& resource, std::string_view namespace_name, std::string_view name, std::string body) {
  return with_body(about("update", resource, namespace_name, name), Method::kPut, std::move(body), kJson);
}

Request apply(const Resource& resource, std::string_view namespace_name, std::string_view name, std::string body) {
  auto request = with_body(about("patch", resource, namespace_name, name), Method::kPatch, std::move(body),
                           "application/apply-patch+yaml");  // JSON is YAML
  request.query.emplace_back("force", "true");
  return request;
}

Request remove(const Resource& resource, std::string_view namespace_name, std::string_view name) {
  return with_body(about("delete", resource, namespace_name, name), Method::kDelete, {}, {});
}

Request remove_collection(const Resource& resource, std::string_view namespace_name, std::string_view selector) {
  auto request = with_body(about("deletecollection", resource, namespace_name, {}), Method::kDelete, {}, {});
  if (!selector.empty()) request.query.emplace_back("labelSelector", selector);
  return request;
}

Request merge(const Resource& resource, std::string_view namespace_name, std::string_view name,
              std::string_view subresource, std::string body) {
  auto request = with_body(about("patch", resource, namespace_name, name), Method::kPatch, std::move(body),
                           "application/merge-patch+json");
  request.path = path_of(resource, namespace_name, name, subresource);
  if (!subresource.empty()) request.resource += fmt::format("/{}", subresource);
  return request;  // what it sets it sets twice alike: repeatable
}

}  // namespace conntruth::kube
