#pragma once
// What a pod's network in a lab is made of, as text for `ip -batch -` and as CNI results. Source: CNI specification
// 0.4.0 (containernetworking/cni, SPEC.md). Threading: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"

namespace conntruth::lab {

// An address that host-local gave, with the node's own address of that family, which is the pod's gateway.
struct PodAddress {
  IpAddress address;
  unsigned length = 0;
  IpAddress gateway;
};
// kInvalidInput where host-local's answer has no address or none that can be read.
[[nodiscard]] Result<std::vector<PodAddress>> read_ipam_result(std::string_view text);

// The node's end of a pod's veth pair: "pod" and the beginning of the container's id, at most 15 characters.
[[nodiscard]] std::string host_device(std::string_view container);

// In the node's network namespace: makes both ends, the pod's in `netns` (a path).
[[nodiscard]] std::string host_commands(const std::vector<PodAddress>& addresses, const std::string& device,
                                        const std::string& pod_device, const std::string& netns);
// In the pod's.
[[nodiscard]] std::string pod_commands(const std::vector<PodAddress>& addresses, const std::string& pod_device);

[[nodiscard]] std::string add_result(const std::vector<PodAddress>& addresses, const std::string& device,
                                     const std::string& pod_device, const std::string& netns);
[[nodiscard]] std::string error_result(const Error& error);
[[nodiscard]] std::string version_result();

}  // namespace conntruth::lab
