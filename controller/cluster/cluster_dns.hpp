#pragma once
// Where pods of the cluster ask for names: what kubelets write into their resolv.conf (dnsPolicy ClusterFirst), so that
// of the controller's own pod. Pure.

#include <string_view>

#include "common/model/topology.hpp"

namespace conntruth::cluster {

// The first server of each family, and the domain out of "search NAMESPACE.svc.DOMAIN svc.DOMAIN DOMAIN". No servers
// where that is no pod's file: a host's names no Services. Source: resolv.conf(5); kubernetes/dns
// docs/specification.md 2.2.
[[nodiscard]] ClusterDns read_resolv_conf(std::string_view text);

}  // namespace conntruth::cluster
