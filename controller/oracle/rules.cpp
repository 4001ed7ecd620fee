#include "controller/oracle/rules.hpp"

#include <array>
#include <utility>

namespace conntruth::oracle {
namespace {

constexpr std::array kDefinitions = {
    RuleDefinition{RuleId::kEntryClusterIp, "entry-cluster-ip",
                   "A ClusterIP with a Service port's number and protocol is that Service port.",
                   "core/v1 ServiceSpec; KEP-563; KEP-1880"},
    RuleDefinition{RuleId::kEntryNodePort, "entry-node-port",
                   "A Node's address with an allocated node port and protocol is that Service port.",
                   "core/v1 ServicePort.nodePort; KEP-1435"},
    RuleDefinition{RuleId::kEntryExternalIp, "entry-external-ip",
                   "An address of externalIPs with a Service port's number and protocol is that Service port.",
                   "core/v1 ServiceSpec.externalIPs; KEP-5707"},
    RuleDefinition{
        RuleId::kEntryLoadBalancer, "entry-load-balancer",
        "A load-balancer address of ipMode VIP with a Service port's number and protocol is that Service port.",
        "KEP-1860; KEP-1435"},
    RuleDefinition{RuleId::kEntryPodIp, "entry-pod-ip",
                   "An endpoint's own address and port is answered by that endpoint alone; no Service takes part.",
                   "Kubernetes network model; core/v1 ServiceSpec.clusterIP None"},
    RuleDefinition{
        RuleId::kEntryContested, "entry-contested",
        "Where two Services claim one address, port and protocol it is undefined who answers: recorded only.",
        "kube-proxy: first rule in chain order wins; API gives no order"},
    RuleDefinition{RuleId::kNotProxiedProxyName, "not-proxied-proxy-name",
                   "A Service with the label service.kubernetes.io/service-proxy-name is left to another proxy and "
                   "must not be answered.",
                   "KEP-2447; e2e service.label.proxy-name"},
    RuleDefinition{RuleId::kNotProxiedHeadless, "not-proxied-headless",
                   "A headless Service (clusterIP None) is never programmed; the label service.kubernetes.io/headless "
                   "on a Service "
                   "means nothing.",
                   "core/v1 IsHeadlessService (a label of endpoints); kube-proxy: informer field selector"},
    RuleDefinition{RuleId::kNotProxiedExternalName, "not-proxied-external-name",
                   "An ExternalName Service is a DNS alias and is never programmed.",
                   "core/v1 ServiceTypeExternalName; e2e service.clusterip.to-externalname"},
    RuleDefinition{RuleId::kFamilyNotServed, "family-not-served",
                   "A Service has no entries of a family that is not among its ipFamilies.",
                   "KEP-563; kube-proxy: one proxier per family skips Services without a ClusterIP of it"},
    RuleDefinition{RuleId::kUnusedPort, "unused-port",
                   "A Service's address at a port and protocol that no Service port has must never reply; nftables "
                   "rejects, other implementations leave it undefined.",
                   "KEP-3866; gap.unused-port, gap.lb-ip-other-port"},
    RuleDefinition{RuleId::kNodePortClosed, "node-port-closed",
                   "A Node's address at a port that is nobody's node port gives the host's answer for a closed port, "
                   "never a reply.",
                   "e2e service.nodeport.release, matrix.update-nodeport"},
    RuleDefinition{RuleId::kAddressReleased, "address-released",
                   "An address that no Service has any more must not reply.",
                   "e2e service.lifecycle.up-down, service.clusterip.to-externalname"},
    RuleDefinition{RuleId::kUnallocatedAddress, "unallocated-address",
                   "A free address of a Service range must never reply; nftables drops, others route it away.",
                   "KEP-3866; gap.unallocated-ip"},
    RuleDefinition{RuleId::kPodPortClosed, "pod-port-closed",
                   "A pod's or host's own address at a port where no endpoint is listed is refused by its own kernel.",
                   "RFC 9293 3.10.7.1; RFC 1122 4.1.3.1"},
    RuleDefinition{RuleId::kPodNotServing, "pod-not-serving",
                   "Whether the process of an endpoint that is not serving answers at its own address is not the "
                   "Service layer's matter: recorded only.",
                   "KEP-1672"},
    RuleDefinition{
        RuleId::kPodIpFromOutside, "pod-ip-from-outside",
        "Whether pod addresses are reachable from outside of the cluster is the network's choice: recorded only.",
        "Kubernetes network model"},
    RuleDefinition{RuleId::kLbIpModeProxy, "lb-ip-mode-proxy",
                   "A load-balancer address of ipMode Proxy is left alone by the service proxy, and the real load "
                   "balancer decides: recorded only.",
                   "KEP-1860"},
    RuleDefinition{RuleId::kDecidedByClientNode, "decided-by-client-node",
                   "A flow from a pod or a node to a ClusterIP, external or load-balancer address is decided on the "
                   "client's own node.",
                   "kube-proxy: runs on every node and translates where traffic starts"},
    RuleDefinition{RuleId::kDecidedByEntryNode, "decided-by-entry-node",
                   "A flow from outside is decided on the node at which it enters the cluster.",
                   "kube-proxy: translates where traffic arrives"},
    RuleDefinition{RuleId::kDecidedByNodePortOwner, "decided-by-node-port-owner",
                   "A flow to a node port is decided on the node whose address it is, wherever it starts.",
                   "kube-proxy: node ports match local addresses only; gap.etp.remote-pod-nodeport"},
    RuleDefinition{RuleId::kNodeLifecycleIgnored, "node-lifecycle-ignored",
                   "A Node that is being deleted or tainted for scale-down treats packets as before; only its health "
                   "endpoint changes.",
                   "KEP-3836; KEP-3458"},
    RuleDefinition{
        RuleId::kClusterIpFromOutside, "cluster-ip-from-outside",
        "Whether a ClusterIP answers a client outside of the cluster is implementation defined: recorded only.",
        "core/v1 ServiceTypeClusterIP; kube-proxy: --cluster-cidr"},
    RuleDefinition{RuleId::kNodePortSecondaryAddress, "node-port-secondary-address",
                   "Whether node ports answer on more than a Node's first address of a family depends on "
                   "nodePortAddresses: recorded only.",
                   "KEP-3866; gap.nodeport.addresses"},
    RuleDefinition{RuleId::kLbSourceRangeAdmits, "lb-source-range-admits",
                   "A client inside of loadBalancerSourceRanges may use the load-balancer address.",
                   "core/v1 ServiceSpec.loadBalancerSourceRanges; e2e lb.source-ranges"},
    RuleDefinition{RuleId::kLbSourceRangeBlocks, "lb-source-range-blocks",
                   "A client outside of loadBalancerSourceRanges, pods and nodes included, gets no reply from the "
                   "load-balancer address; refusal and silence are both allowed.",
                   "core/v1 ServiceSpec.loadBalancerSourceRanges; e2e lb.source-ranges"},
    RuleDefinition{RuleId::kLbSourceRangeOtherFamily, "lb-source-range-other-family",
                   "Where no member of loadBalancerSourceRanges is of the flow's family it is not written whether the "
                   "family is open or closed: recorded only.",
                   "kube-proxy: filters the ranges by family and treats none as no restriction"},
    RuleDefinition{RuleId::kItpCluster, "itp-cluster",
                   "internalTrafficPolicy Cluster: a flow to the ClusterIP may use endpoints on every node.",
                   "KEP-2086"},
    RuleDefinition{RuleId::kItpLocal, "itp-local",
                   "internalTrafficPolicy Local: a flow to the ClusterIP may use endpoints on the deciding node only.",
                   "KEP-2086"},
    RuleDefinition{RuleId::kEtpCluster, "etp-cluster",
                   "externalTrafficPolicy Cluster: a flow to a node port, external or load-balancer address may use "
                   "endpoints on every node.",
                   "core/v1 ServiceSpec.externalTrafficPolicy"},
    RuleDefinition{RuleId::kEtpLocal, "etp-local",
                   "externalTrafficPolicy Local: a flow to a node port, external or load-balancer address may use "
                   "endpoints on the deciding node only.",
                   "core/v1 ServiceSpec.externalTrafficPolicy; e2e service.etp-local.nodeport"},
    RuleDefinition{RuleId::kEtpLocalShortCircuit, "etp-local-short-circuit",
                   "Under externalTrafficPolicy Local a pod or node that uses an external or load-balancer address is "
                   "short-circuited to the endpoints of policy Cluster.",
                   "kube-proxy: UsesClusterEndpoints; e2e lb-local.from-pods"},
    RuleDefinition{RuleId::kEtpLocalOwnNode, "etp-local-own-node",
                   "Under externalTrafficPolicy Local a node port of the client's own node is implementation defined "
                   "(as Cluster, or as from outside): recorded only.",
                   "kubernetes PR 123622; gap.etp.same-node-nodeport"},
    RuleDefinition{RuleId::kEndpointsListed, "endpoints-listed",
                   "Candidates are the endpoints of all the Service's EndpointSlices of the flow's family that have a "
                   "port of the Service port's name and protocol, each at its own slice's port number.",
                   "KEP-752; e2e service.ports.named-targetport, service.slices.multi-ports"},
    RuleDefinition{
        RuleId::kEndpointContradictory, "endpoint-contradictory",
        "Which of two slices counts that say different things of one endpoint is not written: recorded only.",
        "discovery.k8s.io/v1 EndpointSlice; kube-proxy: endpointslicecache.go, in the order of a map"},
    RuleDefinition{RuleId::kPublishNotReady, "publish-not-ready",
                   "publishNotReadyAddresses acts only through the ready conditions in the slices.",
                   "KEP-1672; e2e service.unready.publish-toggle"},
    RuleDefinition{RuleId::kReadyEndpoints, "ready-endpoints",
                   "As long as one endpoint is ready only ready ones are used; an absent condition counts as ready.",
                   "KEP-1669; discovery.k8s.io/v1 EndpointConditions"},
    RuleDefinition{
        RuleId::kTerminatingFallback, "terminating-fallback",
        "Without any ready endpoint all that are terminating and still serving are used, whatever their hints.",
        "KEP-1669; e2e service.terminating.itp-cluster"},
    RuleDefinition{
        RuleId::kHintsNode, "hints-node",
        "If every ready endpoint has node hints and one names the deciding node, those that name it are used.",
        "KEP-3015; kube-proxy: topologyModeFromHints"},
    RuleDefinition{RuleId::kHintsZone, "hints-zone",
                   "If every ready endpoint has zone hints and one names the deciding node's zone, those that name it "
                   "are used.",
                   "KEP-2433; KEP-4444; kube-proxy: topologyModeFromHints"},
    RuleDefinition{RuleId::kHintsIncomplete, "hints-incomplete",
                   "One ready endpoint without a hint switches that kind of hint off for the whole Service port.",
                   "KEP-2433; kube-proxy: topologyModeFromHints"},
    RuleDefinition{RuleId::kHintsElsewhere, "hints-elsewhere",
                   "Hints that name neither the deciding node nor its zone, or a node without a zone, leave all ready "
                   "endpoints in use.",
                   "KEP-2433; KEP-3015"},
    RuleDefinition{RuleId::kTrafficDistributionByHints, "traffic-distribution-by-hints",
                   "trafficDistribution and the topology-mode annotation act only through the hints in the slices.",
                   "KEP-4444; KEP-3015"},
    RuleDefinition{RuleId::kLocalOverridesHints, "local-overrides-hints", "A Local policy overrides hints.",
                   "KEP-4444; gap.policy-precedence"},
    RuleDefinition{RuleId::kLocalReadyEndpoints, "local-ready-endpoints",
                   "As long as one endpoint on the deciding node is ready, its ready ones are used, all of them.",
                   "KEP-2086; KEP-1669"},
    RuleDefinition{
        RuleId::kLocalTerminatingFallback, "local-terminating-fallback",
        "Without a ready endpoint on the deciding node its terminating and still serving ones are used, even "
        "if others are ready elsewhere.",
        "KEP-1669; e2e service.terminating.itp-local, service.terminating.etp-local"},
    RuleDefinition{RuleId::kNoEndpointsRefuse, "no-endpoints-refuse",
                   "With no usable endpoint anywhere the flow is refused at once, under either policy.",
                   "kube-proxy: REJECT without endpoints; e2e service.noendpoints.tcp"},
    RuleDefinition{
        RuleId::kNoEndpointsLeavesNode, "no-endpoints-leaves-node",
        "With no usable endpoint anywhere a node's own flow to an external or load-balancer address gets no reply; it "
        "may be refused at once, or leave the node unchanged.",
        "kube-proxy: iptables mode rejects at these addresses in INPUT and FORWARD only, nftables in OUTPUT, too"},
    RuleDefinition{
        RuleId::kItpLocalNoneLocalDrop, "itp-local-none-local-drop",
        "internalTrafficPolicy Local with endpoints elsewhere but none here: dropped in silence, not refused.",
        "KEP-2086; e2e service.itp-local.pod-pod"},
    RuleDefinition{RuleId::kEtpLocalNoneLocalDrop, "etp-local-none-local-drop",
                   "externalTrafficPolicy Local with endpoints elsewhere but none here: dropped in silence, so that a "
                   "load balancer that has not noticed yet sees a transient loss.",
                   "kube-proxy: DROP for Local without local endpoints; gap.local.drop-not-reject"},
    RuleDefinition{RuleId::kSpreadUniform, "spread-uniform",
                   "Each new flow picks one of the usable endpoints at random with equal chance.",
                   "kube-proxy: random choice per new connection; gap.balance"},
    RuleDefinition{RuleId::kAffinityClientIp, "affinity-client-ip",
                   "sessionAffinity ClientIP: all flows of one client to one Service port reach one and the same "
                   "endpoint of the set until the timeout.",
                   "core/v1 ServiceSpec.sessionAffinity; e2e service.affinity.clusterip"},
    RuleDefinition{RuleId::kAffinityTwoPolicies, "affinity-two-policies",
                   "Where the internal and the external policy leave a client different endpoints, the one that it got "
                   "by one entry may take over at another: any of the set may answer.",
                   "kube-proxy: one memory per endpoint for all entries of a Service port"},
    RuleDefinition{
        RuleId::kSourceClusterIpPod, "source-cluster-ip-pod",
        "An endpoint reached from a pod by ClusterIP sees the pod's own address, on the same node and across "
        "nodes.",
        "e2e service.clusterip.source-ip"},
    RuleDefinition{RuleId::kSourceClusterIpNode, "source-cluster-ip-node",
                   "An endpoint reached from a node by ClusterIP sees an address of that node.",
                   "e2e service.itp-local.node-pod; gap.src.udp"},
    RuleDefinition{RuleId::kSourceHairpin, "source-hairpin",
                   "A pod that reaches itself must not see its own address as the source.",
                   "e2e service.hairpin.clusterip; gap.hairpin.source"},
    RuleDefinition{
        RuleId::kSourceEtpCluster, "source-etp-cluster",
        "Under externalTrafficPolicy Cluster the endpoint may see the client or an address of a node on the way.",
        "core/v1 ServiceSpec.externalTrafficPolicy; kube-proxy: always masquerades; gap.dsr"},
    RuleDefinition{RuleId::kSourceEtpLocal, "source-etp-local",
                   "Under externalTrafficPolicy Local the endpoint must see the client's own address.",
                   "core/v1 ServiceSpec.externalTrafficPolicy; e2e lb-local.basic"},
    RuleDefinition{
        RuleId::kSourceEtpLocalNode, "source-etp-local-node",
        "Under externalTrafficPolicy Local an endpoint reached from another node sees an address of that node.",
        "e2e service.etp-local.nodeport"},
    RuleDefinition{RuleId::kSourceShortCircuitPod, "source-short-circuit-pod",
                   "A short-circuited pod keeps its own address.", "e2e lb-local.from-pods"},
    RuleDefinition{RuleId::kSourceShortCircuitNode, "source-short-circuit-node",
                   "An endpoint reached from a short-circuited node sees an address of that node.",
                   "kube-proxy: masquerades local traffic to external destinations"},
    RuleDefinition{RuleId::kSourceDirect, "source-direct",
                   "Without a Service in the path addresses stay as they are: a pod's own, or one of the node's.",
                   "Kubernetes network model; e2e pods.no-snat"},
    RuleDefinition{
        RuleId::kEstablishedKept, "established-kept",
        "An established TCP connection keeps its endpoint as long as a slice lists it: also when it turns not ready, "
        "terminating or not serving, and when others come.",
        "kube-proxy: translates a connection's first packet, conntrack the rest; KEP-1669; gap.term.established"},
    RuleDefinition{RuleId::kEstablishedEndpointGone, "established-endpoint-gone",
                   "What becomes of an established TCP connection whose endpoint is in no slice any more is "
                   "implementation defined: recorded only.",
                   "kube-proxy: leaves TCP entries alone; others reset"},
    RuleDefinition{RuleId::kEstablishedServiceChanged, "established-service-changed",
                   "What becomes of an established TCP connection whose Service is changed or deleted is "
                   "implementation defined: recorded only.",
                   "kube-proxy: leaves TCP entries alone; others reset"},
    RuleDefinition{RuleId::kEstablishedNeverOpened, "established-never-opened",
                   "A connection that did not have to come about in the first place says nothing later: recorded only.",
                   "follows from the rules for new flows"},
    RuleDefinition{RuleId::kUdpFlowStays, "udp-flow-stays",
                   "A UDP flow that goes on stays with its endpoint while that is ready or terminating and serving, "
                   "though others be ready; it is a new flow once its endpoint is gone or serves no more.",
                   "kube-proxy: conntrack clean-up spares serving endpoints; KEP-1669; gap.term.udp"},
    RuleDefinition{RuleId::kHealthPort, "health-port",
                   "Every node answers HTTP at the health check node port of a LoadBalancer Service with "
                   "externalTrafficPolicy Local, for itself, with or without node ports.",
                   "core/v1 ServiceSpec.healthCheckNodePort; KEP-1864; gap.hcnp.independence"},
    RuleDefinition{RuleId::kHealthLocalReady, "health-local-ready",
                   "With ready endpoints of the family on the node the health check node port says 200, and "
                   "localEndpoints is the number of their addresses.",
                   "kube-proxy: service_health.go, LocalReadyEndpoints; gap.hcnp.body"},
    RuleDefinition{RuleId::kHealthNoneLocal, "health-none-local",
                   "Without a ready endpoint of the family on the node it says 503 with localEndpoints 0, though "
                   "terminating ones still serve there.",
                   "KEP-1669; e2e service.hcnp.terminating-only"},
    RuleDefinition{RuleId::kHealthPublishedTerminating, "health-published-terminating",
                   "Whether a terminating endpoint that is published as ready counts is not written: recorded only.",
                   "KEP-1669 says no terminating one does; kube-proxy: getLocalReadyEndpointIPs asks for ready alone"},
    RuleDefinition{RuleId::kHealthOtherFamily, "health-other-family",
                   "Whether a health check node port answers in a family that its Service does not have is "
                   "implementation defined: recorded only.",
                   "kube-proxy: one server for both families in 1.34, one for each in 1.36"},
    RuleDefinition{
        RuleId::kHealthPortClosed, "health-port-closed",
        "Where no Service has the port as its health check node port, or its externalTrafficPolicy is Cluster, "
        "nothing listens: the host's answer for a closed port, never a reply.",
        "core/v1 ServiceSpec.healthCheckNodePort; e2e service.etp.toggle-hcnp"},
    RuleDefinition{RuleId::kProxyHealthz, "proxy-healthz",
                   "/healthz of the proxy says 200 while its rules are up to date and its Node stays.", "KEP-3836"},
    RuleDefinition{RuleId::kProxyHealthzNodeLeaves, "proxy-healthz-node-leaves",
                   "/healthz says 503 while the Node is being deleted or has the taint ToBeDeletedByClusterAutoscaler.",
                   "KEP-3836; kube-proxy: NodeEligible"},
    RuleDefinition{RuleId::kProxyLivez, "proxy-livez",
                   "/livez says 200 while the proxy's rules are up to date, whatever becomes of its Node.", "KEP-3836"},
    RuleDefinition{RuleId::kNameUnknown, "name-unknown", "The name of a Service that is not there does not exist.",
                   "kubernetes/dns docs/specification.md 2.3"},
    RuleDefinition{RuleId::kNameClusterIp, "name-cluster-ip",
                   "A Service with cluster IPs has them as its name's addresses, with or without endpoints.",
                   "kubernetes/dns docs/specification.md 2.3.1"},
    RuleDefinition{RuleId::kNameHeadless, "name-headless",
                   "A headless Service has the addresses of its ready endpoints as its name's.",
                   "kubernetes/dns docs/specification.md 2.4.1"},
    RuleDefinition{RuleId::kNameHeadlessEmpty, "name-headless-empty",
                   "The name of a headless Service without ready endpoints does not exist.",
                   "kubernetes/dns docs/specification.md 2.4.1"},
    RuleDefinition{RuleId::kNameExternal, "name-external", "An ExternalName Service is an alias of the name it gives.",
                   "kubernetes/dns docs/specification.md 2.6"},
    RuleDefinition{RuleId::kNameAliasEmpty, "name-alias-empty",
                   "Whether an alias of a name without addresses is told is done either way: recorded only.",
                   "kubernetes/dns docs/specification.md 2.6 demands it; CoreDNS: backend_lookup.go leaves it out"},
    RuleDefinition{RuleId::kNameOutside, "name-outside",
                   "What a name outside of the cluster has is for others to say: recorded only.",
                   "kubernetes/dns docs/specification.md 2.6"},
};

constexpr bool in_order() {
  for (std::size_t index = 0; index < kDefinitions.size(); ++index) {
    if (static_cast<std::size_t>(kDefinitions[index].rule) != index) return false;
  }
  return true;
}
static_assert(in_order(), "one definition per RuleId, in its order");
static_assert(kDefinitions.size() == static_cast<std::size_t>(RuleId::kNameOutside) + 1);

}  // namespace

std::span<const RuleDefinition> rule_definitions() { return kDefinitions; }

Rule applied(RuleId rule, std::string text) {
  const RuleDefinition& definition = kDefinitions[static_cast<std::size_t>(rule)];
  return {std::string(definition.id), std::move(text), std::string(definition.source)};
}

}  // namespace conntruth::oracle
