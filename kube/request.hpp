#pragma once
// Requests to the API in its own words: verbs on resources. Pure: a Request is text, Client sends it.
// Source: kubernetes.io/docs/reference/using-api/api-concepts. Threading: values.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace conntruth::kube {

struct Resource {
  std::string_view group;  // "" for the core group
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
  bool namespaced = true;
};

inline constexpr Resource kServices{"", "v1", "services", "Service", true};
inline constexpr Resource kNodes{"", "v1", "nodes", "Node", false};
inline constexpr Resource kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr Resource kPods{"", "v1", "pods", "Pod", true};
inline constexpr Resource kEndpointSlices{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true};
inline constexpr Resource kSecrets{"", "v1", "secrets", "Secret", true};
inline constexpr Resource kDeployments{"apps", "v1", "deployments", "Deployment", true};
inline constexpr Resource kServiceCidrs{"networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR", false};
inline constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases", "Lease", true};
inline constexpr Resource kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false};

enum class Method : std::uint8_t { kGet, kPost, kPut, kPatch, kDelete };
[[nodiscard]] std::string_view to_string(Method method);

using Query = std::vector<std::pair<std::string, std::string>>;  // values not yet percent-encoded

struct Request {
  Method method = Method::kGet;
  std::string path;
  Query query;
  std::string body;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;  // beside those that every request has
  // May be sent again when nobody knows whether it was carried out. True for all but POST; set it for
  // a create whose "already exists" the caller understands.
  bool repeatable = true;

  // For messages and for the rights that are missing, in RBAC's words.
  std::string_view verb;
  std::string_view group;
  std::string resource;  // "services" or "services/status"
  std::string namespace_name;
  std::string name;
};

// "services default/web", "nodes", "namespaces x".
[[nodiscard]] std::string object_of(const Request& request);
// Path and query, percent-encoded.
[[nodiscard]] std::string target_of(const Request& request);

// `namespace_name` is ignored for resources without one; for lists and watches "" means all of them.
[[nodiscard]] Request get(const Resource& resource, std::string_view namespace_name, std::string_view name);
[[nodiscard]] Request list(const Resource& resource, std::string_view namespace_name, std::string_view selector = {});
[[nodiscard]] Request watch(const Resource& resource, std::string_view namespace_name, std::string_view selector,
                            std::string_view version);
[[nodiscard]] Request create(const Resource& resource, std::string_view namespace_name, std::string_view name,
                             std::string body);
[[nodiscard]] Request replace(const Resource& resource, std::string_view namespace_name, std::string_view name,
                              std::string body);
// Server-side apply, forced: we are the owner of what we apply.
[[nodiscard]] Request apply(const Resource& resource, std::string_view namespace_name, std::string_view name,
                            std::string body);
[[nodiscard]] Request remove(const Resource& resource, std::string_view namespace_name, std::string_view name);
[[nodiscard]] Request remove_collection(const Resource& resource, std::string_view namespace_name,
                                        std::string_view selector);
// JSON merge patch (RFC 7386); `subresource` is "" or "status".
[[nodiscard]] Request merge(const Resource& resource, std::string_view namespace_name, std::string_view name,
                            std::string_view subresource, std::string body);

}  // namespace conntruth::kube
