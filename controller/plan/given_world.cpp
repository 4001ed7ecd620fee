#include "controller/plan/given_world.hpp"

namespace conntruth::plan {

using catalogue::Client;
using catalogue::ProbeSpec;

ServiceCopy copy_of(const world::Service& service, const world::World& world, const Places& places) {
  ServiceCopy copy;
  copy.name = service.namespace_name + "." + service.name;
  copy.service = service;
  copy.ports = service.ports;
  copy.cluster_ips = service.cluster_ips;
  copy.external_ips = service.external_ips;
  copy.health_port = service.health_check_node_port;
  for (const auto& ingress : service.ingress) copy.load_balancer_ips.push_back(ingress.address);
  for (const auto& slice : world.slices) {
    if (slice.service_key() != service.key()) continue;
    for (const auto& endpoint : slice.endpoints) {
      const auto& address = endpoint.addresses.front();
      copy.endpoints.push_back({places.find(address), {address}, slice.ports});
    }
  }
  return copy;
}

std::vector<ProbeSpec> probes_of(const ServiceCopy& copy, Vantages vantages) {
  std::vector<ProbeSpec> probes;
  if (copy.service.type == world::ServiceType::kExternalName) return probes;
  const auto probe = [&](std::vector<Client> from, EntryKind to) {
    ProbeSpec spec;
    spec.from = std::move(from);
    spec.to = {to};
    spec.services = {copy.name};
    if (vantages.all_pods) spec.pods = std::nullopt;
    probes.push_back(std::move(spec));
  };
  const std::vector<Client> inside{Client::kPod, Client::kNode};
  auto everywhere = inside;
  if (vantages.external) everywhere.push_back(Client::kExternal);
  if (copy.service.headless) {
    probe(inside, EntryKind::kPodIp);
    return probes;
  }
  if (!copy.cluster_ips.empty()) probe(inside, EntryKind::kClusterIp);
  probe(everywhere, EntryKind::kNodePort);
  if (!copy.external_ips.empty()) probe(everywhere, EntryKind::kExternalIp);
  if (!copy.load_balancer_ips.empty()) probe(everywhere, EntryKind::kLoadBalancer);
  if (vantages.health_ports && copy.health_port != 0) probe(everywhere, EntryKind::kHealthCheckNodePort);
  return probes;
}

}  // namespace conntruth::plan
