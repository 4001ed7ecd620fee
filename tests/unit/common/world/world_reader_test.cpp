#include "common/world/world_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conntruth::world {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As `kubectl get nodes,services,endpointslices -o yaml` prints them, fields that do not matter included.
constexpr std::string_view kYaml = R"(apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    name: node-1
    labels: {topology.kubernetes.io/zone: zone-a}
    managedFields: [{manager: kubelet}]
  spec:
    podCIDR: 10.244.1.0/24
    podCIDRs: [10.244.1.0/24, "fd44:0:0:1::/64"]
    taints:
    - {effect: NoSchedule, key: ToBeDeletedByClusterAutoscaler, value: "1"}
  status:
    addresses:
    - {address: 203.0.113.9, type: ExternalIP}
    - {address: 172.31.0.11, type: InternalIP}
    - {address: node-1, type: Hostname}
- apiVersion: v1
  kind: Service
  metadata:
    name: web
    namespace: shop
    labels: {service.kubernetes.io/service-proxy-name: other}
  spec:
    allocateLoadBalancerNodePorts: false
    clusterIP: 10.96.0.10
    clusterIPs: [10.96.0.10, "fd00:96::a"]
    externalIPs: [203.0.113.1]
    externalTrafficPolicy: Local
    internalTrafficPolicy: Local
    ipFamilies: [IPv4, IPv6]
    ipFamilyPolicy: RequireDualStack
    loadBalancerSourceRanges: [" 192.0.2.0/24 "]
    ports:
    - {name: http, nodePort: 30080, port: 80, protocol: TCP, targetPort: web}
    - {name: dns, nodePort: 30080, port: 80, protocol: UDP, targetPort: 5353}
    publishNotReadyAddresses: true
    sessionAffinity: ClientIP
    trafficDistribution: PreferClose
    type: LoadBalancer
  status:
    loadBalancer:
      ingress:
      - {ip: 198.51.100.1, ipMode: Proxy}
      - {hostname: lb.example.com}
- addressType: IPv4
  apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata:
    name: web-abc
    namespace: shop
    labels: {kubernetes.io/service-name: web}
  ports:
  - {name: http, port: 8080, protocol: TCP}
  - {name: dns, protocol: UDP}
  endpoints:
  - addresses: [10.244.1.10]
    conditions: {ready: false, serving: true, terminating: true}
    nodeName: node-1
    zone: zone-a
    hints:
      forZones: [{name: zone-a}]
    targetRef: {kind: Pod, name: web-1}
  - addresses: [10.244.1.11]
    conditions: {}
kind: List
metadata:
  resourceVersion: ""
)";

TEST(WorldReader, reads_what_kubectl_prints) {
  const auto world = read_world(kYaml, "world.yaml");
  ASSERT_TRUE(world) << world.error().message;
  ASSERT_EQ(world->nodes.size(), 1U);
  const auto& node = world->nodes[0];
  EXPECT_EQ(node.zone(), "zone-a");
  EXPECT_THAT(node.addresses, ElementsAre(*IpAddress::parse("172.31.0.11"), *IpAddress::parse("203.0.113.9")));
  EXPECT_THAT(node.pod_cidrs, ElementsAre(*Prefix::parse("10.244.1.0/24"), *Prefix::parse("fd44:0:0:1::/64")));
  EXPECT_THAT(node.taints, ElementsAre(Taint{"ToBeDeletedByClusterAutoscaler", "1", "NoSchedule"}));
  EXPECT_FALSE(node.deleting);

  const auto* service = world->service("shop/web");
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(service->type, ServiceType::kLoadBalancer);
  EXPECT_EQ(service->cluster_ip(Family::kIpv6)->to_string(), "fd00:96::a");
  EXPECT_EQ(service->affinity_timeout_s, 10800U);
  EXPECT_EQ(service->source_ranges.front().to_string(), "192.0.2.0/24");
  ASSERT_EQ(service->ingress.size(), 1U);
  EXPECT_EQ(service->ingress[0].mode, IpMode::kProxy);
  EXPECT_EQ(std::get<std::string>(service->ports[0].target_port), "web");
  EXPECT_EQ(std::get<std::uint16_t>(service->ports[1].target_port), 5353);
  EXPECT_EQ(service->external_policy, TrafficPolicy::kLocal);
  EXPECT_FALSE(service->allocate_node_ports);
  EXPECT_FALSE(service->is_proxied());

  ASSERT_EQ(world->slices.size(), 1U);
  const auto& slice = world->slices[0];
  EXPECT_EQ(slice.service_key(), "shop/web");
  EXPECT_EQ(slice.ports[1].port, 0);
  EXPECT_FALSE(slice.endpoints[0].is_ready());
  EXPECT_TRUE(slice.endpoints[0].is_terminating());
  EXPECT_THAT(*slice.endpoints[0].zone_hints, ElementsAre("zone-a"));
  EXPECT_FALSE(slice.endpoints[1].ready.has_value());
  EXPECT_FALSE(slice.endpoints[1].node_hints.has_value());
}

TEST(WorldReader, reads_back_what_it_wrote) {
  auto world = *read_world(kYaml, "world.yaml");
  world.generation = 17;
  world.nodes[0].deleting = true;
  world.services[0].affinity_timeout_s = 3;
  world.slices[0].endpoints[1].node_hints.emplace();
  Service headless;
  headless.namespace_name = "shop";
  headless.name = "peers";
  headless.headless = true;
  world.services.push_back(headless);
  const auto text = write_world(world);
  const auto again = read_world(text, "world.json");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, world);
  EXPECT_EQ(write_world(*again), text);
}

TEST(WorldReader, reads_several_documents_and_single_objects) {
  const auto world = read_world("kind: Node\nmetadata: {name: a}\n---\nkind: Node\nmetadata: {name: b}\n---\n", "w");
  ASSERT_TRUE(world) << world.error().message;
  EXPECT_EQ(world->nodes.size(), 2U);
  EXPECT_TRUE(read_world(R"({"kind":"NodeList","items":[{"metadata":{"name":"a"}}]})", "w"));
}

TEST(WorldReader, leaves_out_slices_of_names) {
  const auto world = read_world("kind: EndpointSlice\nmetadata: {name: a}\naddressType: FQDN\nendpoints: []\n", "w");
  ASSERT_TRUE(world) << world.error().message;
  EXPECT_TRUE(world->slices.empty());
}

struct Wrong {
  const char* text;
  const char* message;
};

class Mistake : public testing::TestWithParam<Wrong> {};

TEST_P(Mistake, is_named_with_file_line_object_and_field) {
  const auto world = read_world(GetParam().text, "w");
  ASSERT_FALSE(world);
  EXPECT_EQ(world.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(world.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    WorldReader, Mistake,
    testing::Values(
        Wrong{"kind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - port: 70000\n",
              "w:5: service default/web: spec.ports[0].port: 70000 is out of range 1..65535"},
        Wrong{"{\"kind\": \"Service\",\n \"metadata\": {\"name\": \"web\"},\n \"spec\": {\"ports\": [\n  {\"port\": "
              "80},\n"
              "  {\"name\": \"b\", \"port\": 0}]}}",
              "w:5: service default/web: spec.ports[1].port: 0 is out of range 1..65535"},
        Wrong{"kind: Service\nmetadata: {name: web}\nspec:\n  type: Clusterip\n",
              "w:4: service default/web: spec.type: \"Clusterip\" is not one of ClusterIP, NodePort, LoadBalancer"},
        Wrong{"kind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - port: \"80\"\n",
              "w:5: service default/web: spec.ports[0].port: must be a whole number"},
        Wrong{"kind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - name: x\n",
              "w:5: service default/web: spec.ports[0].port: is required"},
        Wrong{"kind: Service\nmetadata: {name: web}\nspec: {clusterIP: 10.96.0}\n",
              "w:3: service default/web: spec.clusterIP: \"10.96.0\" is not an IPv4 or IPv6 address"},
        Wrong{"kind: Service\nmetadata: {name: web}\nspec: {sessionAffinity: ClientIP,\n  sessionAffinityConfig: "
              "{clientIP: "
              "{timeoutSeconds: 90000}}}\n",
              "w:4: service default/web: spec.sessionAffinityConfig.clientIP.timeoutSeconds: 90000 is out of range "
              "1..86400"},
        Wrong{"kind: Service\nmetadata: {name: web}\nspec: [1]\n", "w:3: service default/web: spec: must be an object"},
        Wrong{"kind: Service\nmetadata: {name: 80}\n", "metadata.name: must be a text: write \"80\" in quotes"},
        Wrong{"kind: Service\nmetadata: {}\n", "metadata.name: is required"},
        Wrong{"kind: Service\nmetadata: {name: a}\nspec: {publishNotReadyAddresses: maybe}\n",
              "spec.publishNotReadyAddresses: must be true or false"},
        Wrong{"kind: Service\nmetadata: {name: a}\nspec:\n  ports: [{name: a, port: 80}, {name: b, port: 80}]\n",
              "w:4: service default/a: spec.ports[1]: port 80/tcp is already \"a\""},
        Wrong{"kind: ConfigMap\nmetadata: {name: a}\n", "w:1: kind: \"ConfigMap\" is not read here"},
        Wrong{"items: []\n", "w:1: kind: is required"},
        Wrong{"kind: EndpointSlice\nmetadata: {name: s}\naddressType: IPv6\nendpoints:\n- addresses: [10.0.0.1]\n",
              "w:5: endpointslice default/s: endpoints[0].addresses[0]: 10.0.0.1 is not an ipv6 address"},
        Wrong{"kind: EndpointSlice\nmetadata: {name: s}\nendpoints: []\n", "addressType: is required"},
        Wrong{"kind: Node\nmetadata: {name: a}\n---\nkind: EndpointSlice\nmetadata: {name: s}\naddressType: IPv4\n"
              "endpoints: [{addresses: [10.0.0.1], nodeName: b}]\n",
              "w:4: endpointslice default/s: endpoint 10.0.0.1 is on node \"b\", which is not in the world"},
        Wrong{"kind: Node\nmetadata: {name: a}\n---\nkind: Node\nmetadata: {name: a}\n",
              "w:4: node a: stands twice, first at line 1"},
        Wrong{"kind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80, nodePort: 30080}]}\n---\n"
              "kind: Service\nmetadata: {name: b}\nspec: {ports: [{port: 81, nodePort: 30080}]}\n",
              "w:5: service default/b: nodePort 30080/tcp is already taken by service default/a"},
        Wrong{"kind: Service\nmetadata: {name: a}\nspec: {clusterIP: 10.96.0.1}\n---\n"
              "kind: Service\nmetadata: {name: b}\nspec: {clusterIP: 10.96.0.1}\n",
              "w:5: service default/b: cluster IP 10.96.0.1 is already taken by service default/a"},
        Wrong{"", "w:1: is empty"}, Wrong{"just a text", "must be an object"},
        Wrong{"a: [1\nb: 2", "w:2: is not valid YAML"}, Wrong{"{\"a\":\n 1,,}", "w:2: is not valid JSON"},
        Wrong{"{\"a\": 1, \"a\": 2}", "\"a\" stands twice"}, Wrong{"a: &x 1\nb: *x\n", "w:2: aliases are not read"}));

TEST(WorldReader, no_text_takes_it_down) {
  for (const auto* opening : {"[", "{\"a\":", "- ", "a: {", "[[{"}) {
    std::string text;
    for (int depth = 0; depth < 3000; ++depth) text += opening;
    EXPECT_FALSE(read_world(text, "w")) << opening;
  }
  const auto good = write_world(*read_world(kYaml, "world.yaml"));
  for (std::size_t cut = 0; cut < good.size(); cut += 7) {
    auto text = good.substr(0, cut);
    EXPECT_FALSE(read_world(text, "w")) << cut;
    text = good;
    text[cut] = static_cast<char>(0xFF);
    (void)read_world(text, "w");
  }
}

TEST(WorldReader, says_which_file_is_missing) {
  const auto world = read_world_file("/nonexistent/world.yaml");
  ASSERT_FALSE(world);
  EXPECT_EQ(world.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(world.error().message, HasSubstr("/nonexistent/world.yaml"));
}

TEST(WorldReader, reads_ten_thousand_services) {
  World world;
  for (std::uint32_t index = 0; index < 10000; ++index) {
    Service service;
    service.namespace_name = "load";
    service.name = "service-" + std::to_string(index);
    service.cluster_ips = {Prefix::parse("10.96.0.0/16")->at(index + 1)};
    service.ports = {{"http", Protocol::kTcp, 80, std::uint16_t{8080}, 0}};
    world.services.push_back(service);
    EndpointSlice slice;
    slice.namespace_name = "load";
    slice.name = service.name + "-1";
    slice.service_name = service.name;
    slice.ports = {{"http", Protocol::kTcp, 8080}};
    for (std::uint32_t each = 0; each < 3; ++each) {
      slice.endpoints.emplace_back().addresses = {Prefix::parse("10.244.0.0/16")->at(index + each)};
    }
    world.slices.push_back(slice);
  }
  EXPECT_EQ(*read_world(write_world(world), "w"), world);
}

}  // namespace
}  // namespace conntruth::world
