#pragma once
// What serves this node's Services, where it says so itself. kube-proxy tells its mode (/proxyMode) and its version
// (kubernetes_build_info of /metrics) on the node's loopback, unless --metrics-bind-address names another place.
// Source: kubernetes.io/docs/reference/command-line-tools-reference/kube-proxy.
// Threading: free functions, any thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace conntruth::agent {

inline constexpr std::uint16_t kKubeProxyPort = 10249;

// "kube-proxy:nftables@v1.36.3", without "@..." where the version is not told; "" where nobody answers there, or
// somebody else. Blocks at most for 2 s.
[[nodiscard]] std::string local_proxy(std::uint16_t port = kKubeProxyPort);

// The version in kube-proxy's metrics, or "". They are bytes from anybody.
[[nodiscard]] std::string build_version(std::string_view metrics);

}  // namespace conntruth::agent
