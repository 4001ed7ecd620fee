#pragma once
// Every kind of object that an install is made of. Threading: constants.

#include <span>
#include <string_view>

#include "kube/request.hpp"

namespace conntruth::install {

inline constexpr kube::Resource kDaemonSets{"apps", "v1", "daemonsets", "DaemonSet", true};

// In the order in which they are made: an object comes after those that it needs.
[[nodiscard]] std::span<const kube::Resource> kinds();

// Kinds that are looked for in a cluster: without those of cert-manager, which are not everywhere, and which lie in the
// install's own namespace and go with it.
[[nodiscard]] bool is_looked_for(const kube::Resource& kind);

// The kind in an object's own words, or nullptr.
[[nodiscard]] const kube::Resource* kind_of(std::string_view api_version, std::string_view kind);

}  // namespace conntruth::install
