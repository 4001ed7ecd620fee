#pragma once
// What etcd and kube-apiserver of a lab are told, and what others are told about them: pure functions from the lab's
// specification. Both run in the fabric's namespaces; the API listens on the fabric's router address.
// Source: kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver. Threading: pure functions.

#include <cstdint>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "lab/kubernetes/credentials.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

inline constexpr std::uint16_t kApiPort = 6443;

// Where the API listens, IPv4 first; the first one is what kubeconfigs name.
[[nodiscard]] std::vector<IpAddress> api_addresses(const LabSpec& spec);
// Its own Service's ClusterIP: the first address of the first range.
[[nodiscard]] IpAddress api_service_address(const LabSpec& spec);
[[nodiscard]] std::string api_url(const LabSpec& spec);
// All that its certificate has to carry.
[[nodiscard]] std::vector<IpAddress> certified_addresses(const LabSpec& spec);

[[nodiscard]] std::vector<std::string> etcd_arguments();
// `directory` holds server.crt, server.key and tokens.csv.
[[nodiscard]] std::vector<std::string> apiserver_arguments(const LabSpec& spec, const std::string& directory);

struct Tokens {
  std::string admin;               // group system:masters
  std::vector<std::string> nodes;  // user system:kube-proxy, which Kubernetes itself binds to system:node-proxier
  // Of a lab with kubelets: users system:node:NODE, system:kube-controller-manager, system:kube-scheduler.
  std::vector<std::string> kubelets = {};
  std::string controllers = {};
  std::string scheduler = {};
};
[[nodiscard]] std::string token_file(const Tokens& tokens);
[[nodiscard]] std::string kubeconfig(const LabSpec& spec, const kube::Identity& identity, const std::string& user,
                                     const std::string& token);

// Node `node` (from 1) in JSON: labels and pod ranges; where no kubelet will say the rest, also addresses and Ready.
// Without its zone where kube-proxy runs, which may miss a label that its Node has from the start: that is told by
// `zone_patch` once it runs (docs/findings/0008).
[[nodiscard]] std::string node_object(const LabSpec& spec, unsigned node);
// A merge patch for that Node (RFC 7396); "" where it has no zone, or had it from the start.
[[nodiscard]] std::string zone_patch(const LabSpec& spec, unsigned node);

}  // namespace conntruth::lab
