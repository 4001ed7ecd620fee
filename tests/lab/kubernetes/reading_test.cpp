// Runs that read: Services of somebody else, whose endpoints are ordinary programs, behind real kube-proxies of both
// modes. Nothing may be written.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "lab/files.hpp"
#include "tests/lab/kubernetes/mixed_lab.hpp"
#include "tests/lab/lab_fixture.hpp"

namespace conntruth::lab::test {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// node-N-pod-0 is 10.244.N.10 and fd44:0:0:N::a, node-N is 172.31.0.1N (see lab/topology). Names of ports, several
// slices and both families; a pod, a node's own address, nobody.
constexpr std::string_view kServices = R"(
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: NodePort, clusterIP: 10.96.7.7, clusterIPs: [10.96.7.7, "fd00:96::77"], ipFamilyPolicy: RequireDualStack,
       ports: [{name: http, port: 80, nodePort: 30080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-a, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.244.1.10], nodeName: node-1}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-b, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.244.2.10], nodeName: node-2}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-6, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv6
ports: [{name: http, port: 8080}]
endpoints: [{addresses: ["fd44:0:0:2::a"], nodeName: node-2}]
---
apiVersion: v1
kind: Service
metadata: {name: sticky, namespace: shop}
spec: {clusterIP: 10.96.7.8, sessionAffinity: ClientIP, ports: [{port: 81, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: sticky, namespace: shop, labels: {kubernetes.io/service-name: sticky}}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.244.1.10], nodeName: node-1}, {addresses: [10.244.2.10], nodeName: node-2}]
---
apiVersion: v1
kind: Service
metadata: {name: names, namespace: shop}
spec: {clusterIP: 10.96.7.9, ports: [{port: 53, protocol: UDP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: names, namespace: shop, labels: {kubernetes.io/service-name: names}}
addressType: IPv4
ports: [{name: "", port: 5353, protocol: UDP}]
endpoints: [{addresses: [10.244.1.10], nodeName: node-1}, {addresses: [10.244.2.10], nodeName: node-2}]
---
apiVersion: v1
kind: Service
metadata: {name: peers, namespace: shop}
spec: {clusterIP: None, ports: [{port: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: peers, namespace: shop, labels: {kubernetes.io/service-name: peers}}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.244.2.10], nodeName: node-2}]
---
apiVersion: v1
kind: Service
metadata: {name: host, namespace: shop}
spec: {clusterIP: 10.96.7.10, ports: [{port: 82}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: host, namespace: shop, labels: {kubernetes.io/service-name: host}}
addressType: IPv4
ports: [{name: "", port: 9090}]
endpoints: [{addresses: [172.31.0.12], nodeName: node-2}]
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: shop}
spec: {clusterIP: 10.96.7.11, ports: [{port: 83}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: shop}
spec: {type: ExternalName, externalName: example.org}
---
apiVersion: v1
kind: Service
metadata: {name: theirs, namespace: shop, labels: {service.kubernetes.io/service-proxy-name: mesh}}
spec: {clusterIP: 10.96.7.12, ports: [{port: 84}]}
)";

// Nobody answers to what is sent there.
constexpr auto kSilentUdp =
    "import signal, socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 5353)); signal.pause()";

class Reading : public MixedLab {
 protected:
  void SetUp() override {
    const auto programs = Programs::look("");
    ASSERT_TRUE(programs);
    for (const auto& found : {programs->find("kube-apiserver", "", ""), programs->find("kube-proxy", "", ""),
                              programs->find("kubectl", "", "")}) {
      if (!found) GTEST_SKIP() << found.error().message;
    }
    if (const auto etcd = programs->etcd(); !etcd) GTEST_SKIP() << etcd.error().message;
    kubectl_ = programs->find("kubectl", "", "")->path;
    std::filesystem::create_directories(state_);
    LabSpec spec;
    spec.name = name_;
    spec.nodes = 3;
    spec.pods_per_node = 2;
    spec.kubernetes = KubernetesSpec{};
    spec.proxy = "kube-proxy:nftables";
    spec.node_proxies = {{"node-1", "kube-proxy:iptables"}};
    auto lab = Lab::up(spec);
    ASSERT_TRUE(lab) << lab.error().message;
    lab_.emplace(std::move(*lab));
    ASSERT_TRUE(write_whole_file(state_ + "/services.yaml", std::string(kServices)));
    const auto applied = kubectl("create -f " + state_ + "/services.yaml");
    ASSERT_EQ(applied.status, 0) << applied.text;
  }
  void TearDown() override {
    lab_.reset();
    MixedLab::TearDown();
  }

  [[nodiscard]] Output kubectl(const std::string& words) const {
    return run(*lab_, "fabric", fmt::format("KUBECONFIG={} {} {}", lab_->kubernetes()->kubeconfig, kubectl_, words));
  }
  void listen(const std::string& node, const std::string& pod, const std::string& port) {
    const auto started =
        lab_->start(node, {{"python3", "-m", "http.server", "--bind", "::", port}, pod, "/dev/null", true});
    ASSERT_TRUE(started) << started.error().message;
    // It is there once it resets no more.
    const auto up = fmt::format(
        "timeout 20 bash -c 'until bash -c \"echo > /dev/tcp/127.0.0.1/{}\"; do :; done' 2>/dev/null", port);
    ASSERT_EQ(run(*lab_, node, up, pod).status, 0) << node << " " << pod;
  }
  void start_servers() {
    listen("node-1", "node-1-pod-0", "8080");
    listen("node-2", "node-2-pod-0", "8080");
    listen("node-2", "", "9090");
    for (const auto* pod : {"node-1-pod-0", "node-2-pod-0"}) {
      const auto started =
          lab_->start(std::string(pod).substr(0, 6), {{"python3", "-c", kSilentUdp}, pod, "/dev/null", true});
      ASSERT_TRUE(started) << started.error().message;
    }
    // kube-proxy follows the API in its own time.
    for (const auto* node : {"node-1", "node-2", "node-3"}) {
      const auto served =
          run(*lab_, node,
              "timeout 30 bash -c 'until timeout 1 bash -c \"echo > /dev/tcp/10.96.7.10/82\"; do :; done' 2>/dev/null");
      ASSERT_EQ(served.status, 0) << node;
    }
  }
  [[nodiscard]] support::Finished read(std::vector<std::string> more) const {
    std::vector<std::string> words = {"run", "--lab", name_, "--existing", "-o", "json", "-q"};
    words.insert(words.end(), more.begin(), more.end());
    return conntruth(words);
  }
  // Requests that write, without those of the API server's own housekeeping.
  [[nodiscard]] std::string writes() const {
    return kubectl(
               "get --raw /metrics | grep '^apiserver_request_total' | grep -E 'verb=\"(POST|PUT|PATCH|APPLY|DELETE|"
               "DELETECOLLECTION)\"' | grep -E 'resource=\"(services|endpointslices|endpoints|namespaces|nodes|pods|"
               "configmaps|secrets)\"' | sort")
        .text;
  }
  [[nodiscard]] std::string objects() const {
    return kubectl("get services,endpointslices,namespaces,nodes -A -o yaml").text;
  }
  static std::string count_of(const Json& cell, const std::string& endpoint) {
    for (const auto& each : cell.at("observed").at("endpoints")) {
      if (each.at("name") == endpoint) return std::to_string(each.at("count").get<int>());
    }
    return "none";
  }

  std::optional<Lab> lab_;
  std::string kubectl_;
};

TEST_F(Reading, other_peoples_services_are_green_with_each_endpoint_seen_and_nothing_is_written) {
  start_servers();
  const auto objects_before = objects();
  const auto writes_before = writes();
  ASSERT_THAT(writes_before, HasSubstr("resource=\"services\""));
  const auto done = read({"--service", "shop/*", "--udp"});
  ASSERT_EQ(done.status, 0) << done.err << done.out;
  EXPECT_EQ(objects(), objects_before);
  EXPECT_EQ(writes(), writes_before);

  const auto report = Json::parse(done.out);
  std::map<std::string, int> verdicts;
  std::map<std::string, int> kinds;
  for (const auto& cell : report.at("cells")) {
    const auto verdict = cell.at("verdict").get<std::string>();
    ++verdicts[verdict];
    if (verdict == "notRun") continue;
    EXPECT_EQ(verdict, "pass") << cell.at("id") << cell.at("reason");
    const auto service = cell.at("service").get<std::string>();
    ++kinds[service + " " + cell.at("entryKind").get<std::string>()];
    if (service == "shop/nobody") continue;
    int seen = 0;
    for (const auto& endpoint : cell.at("observed").at("endpoints")) {
      EXPECT_TRUE(endpoint.at("expected")) << cell.at("id");
      if (service != "shop/sticky") {
        EXPECT_GT(endpoint.at("count"), 0) << cell.at("id") << endpoint;
      }
      seen += endpoint.at("count").get<int>();
    }
    EXPECT_EQ(seen, cell.at("samples")) << cell.at("id") << " no flow without its endpoint";
  }
  EXPECT_EQ(verdicts["notRun"], 2) << "the alias and what is another proxy's";
  // 9 places; two families of web, at 3 nodes and from the 3 entries from outside.
  const std::map<std::string, int> expected = {
      {"shop/web clusterIP", 18}, {"shop/web nodePort", 60},  {"shop/sticky clusterIP", 9}, {"shop/names clusterIP", 9},
      {"shop/peers podIP", 9},    {"shop/host clusterIP", 9}, {"shop/nobody clusterIP", 9}};
  EXPECT_EQ(kinds, expected);
  EXPECT_THAT(report.at("run").at("reading").get<std::string>(), HasSubstr("24 of them miss a loss of up to 11.7 %"));

  const auto again = conntruth({"rejudge", "-o", "json"});
  EXPECT_EQ(again.out, done.out) << again.err;
}

TEST_F(Reading, a_node_that_loses_or_misleads_flows_is_red_with_the_endpoint_s_name) {
  start_servers();
  const auto planted =
      run(*lab_, "node-3",
          "nft 'table ip planted { chain f { type filter hook forward priority 10; ct original ip "
          "daddr 10.96.7.7 ip daddr 10.244.2.10 drop; }; chain o { type filter hook output priority 10; "
          "ct original ip daddr 10.96.7.7 ip daddr 10.244.2.10 drop; }; }'");
  ASSERT_EQ(planted.status, 0) << planted.text;
  const std::vector<std::string> web = {"--service", "shop/web", "--ip-family", "ipv4", "--select", "*clusterIP*"};
  const auto expect_red_on_node_3 = [](const Json& report, const std::set<std::string>& codes,
                                       const std::string& words) {
    std::set<std::string> red;
    for (const auto& cell : report.at("cells")) {
      if (cell.at("verdict") == "pass") continue;
      red.insert(cell.at("vantage").get<std::string>());
      EXPECT_TRUE(codes.contains(cell.at("reason").at("code").get<std::string>())) << cell;
      EXPECT_THAT(cell.at("reason").at("text").get<std::string>(), HasSubstr(words));
    }
    EXPECT_EQ(red, (std::set<std::string>{"node-3", "node-3-pod-0", "node-3-pod-1"}));
  };
  const auto lossy = read(web);
  ASSERT_EQ(lossy.status, 2) << lossy.err << lossy.out;
  expect_red_on_node_3(Json::parse(lossy.out), {"lost"}, "node-2-pod-0:8080 answered none");

  listen("node-3", "node-3-pod-1", "8080");
  const auto misled =
      run(*lab_, "node-3",
          "nft delete table ip planted && nft 'table ip planted { chain p { type nat hook prerouting "
          "priority -110; ip daddr 10.96.7.7 tcp dport 80 dnat to 10.244.3.11:8080; }; chain o { type nat "
          "hook output priority -110; ip daddr 10.96.7.7 tcp dport 80 dnat to 10.244.3.11:8080; }; }'");
  ASSERT_EQ(misled.status, 0) << misled.text;
  const auto wrong = read(web);
  ASSERT_EQ(wrong.status, 2) << wrong.err << wrong.out;
  // A pod that is led to itself sees its own address and answers itself.
  expect_red_on_node_3(Json::parse(wrong.out), {"wrong-endpoint", "silent"}, "were sent to node-3-pod-1:8080 (24)");
}

TEST_F(Reading, an_endpoint_that_is_down_makes_its_services_invalid_and_says_whose_fault_it_is) {
  listen("node-1", "node-1-pod-0", "8080");
  const auto done = read({"--service", "shop/web", "--ip-family", "ipv4", "--select", "*>clusterIP*"});
  EXPECT_EQ(done.status, 1) << done.err;
  const auto report = Json::parse(done.out);
  EXPECT_EQ(report.at("summary").at("invalid"), 9) << report.at("summary");
  for (const auto& cell : report.at("cells")) {
    EXPECT_EQ(cell.at("reason").at("code"), "control-failed");
    EXPECT_THAT(cell.at("reason").at("text").get<std::string>(),
                HasSubstr("the endpoint node-2-pod-0:8080 itself does not answer "));
  }
}

TEST_F(Reading, a_service_that_changes_while_it_is_probed_is_not_judged) {
  start_servers();
  support::Process going({std::string(CONNTRUTH_BIN_DIR) + "/conntruth", "run", "--lab", name_, "--existing",
                          "--service", "shop/host,shop/sticky", "--probes", "100", "-o", "json"},
                         {"CONNTRUTH_STATE_DIR=" + state_});
  ASSERT_TRUE(going.wait_for_error_text("stage 1", std::chrono::seconds(60))) << going.err();
  ASSERT_EQ(kubectl("-n shop annotate service host touched=yes").status, 0);
  EXPECT_EQ(going.wait(std::chrono::seconds(120)), 1) << going.err();
  for (const auto& cell : Json::parse(going.out()).at("cells")) {
    const bool touched = cell.at("service") == "shop/host";
    EXPECT_EQ(cell.at("verdict"), touched ? "invalid" : "pass") << cell.at("id") << cell.at("reason");
    EXPECT_EQ(cell.at("reason").at("code"), touched ? "world-changed" : "as-expected");
  }
}

TEST_F(Reading, what_matches_nothing_is_told_with_what_there_is) {
  const auto done = read({"--service", "shop/wep"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("--service \"shop/wep\" matches nothing in the cluster; the closest are shop/web"));
  const auto narrow = conntruth({"run", "--lab", name_, "--service", "shop/web"});
  EXPECT_EQ(narrow.status, 1);
  EXPECT_THAT(narrow.err, HasSubstr("add --existing"));
}

}  // namespace
}  // namespace conntruth::lab::test
