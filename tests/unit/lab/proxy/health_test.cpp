// What the health endpoints of the reference proxy say. Rules: core/v1 healthCheckNodePort, KEP-3836.
#include "lab/proxy/health.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/proxy/health_server.hpp"
#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::uint16_t kHealth = 31000;
const Place kHere{"node-1", {}};
const Place kThere{"node-2", {}};

world::World local_world(std::vector<world::Endpoint> endpoints) {
  world::World world;
  world.nodes = test::two_nodes();
  auto web = test::service("web", {test::ip("10.96.0.10")}, {test::port("http", Protocol::kTcp, 80, 30080)});
  web.type = world::ServiceType::kLoadBalancer;
  web.external_policy = world::TrafficPolicy::kLocal;
  web.health_check_node_port = kHealth;
  world.slices = {test::slice(web, std::move(endpoints), {{"http", Protocol::kTcp, 8080}})};
  world.services = {web};
  return world;
}

HttpAnswer asked(const world::World& world, const Place& place, std::uint16_t port, std::string_view path,
                 bool synced = true) {
  auto health = health_of(world, place);
  health.synced = synced;
  return answer(health, Family::kIpv4, port, path);
}

TEST(Health, a_ready_local_endpoint_is_200_and_none_is_503) {
  const auto world = local_world({test::endpoint("10.244.1.10", "node-1")});
  EXPECT_EQ(asked(world, kHere, kHealth, "/"),
            (HttpAnswer{200, R"({"service":{"namespace":"default","name":"web"},"localEndpoints":1,)"
                             R"("serviceProxyHealthy":true})"}));
  EXPECT_EQ(asked(world, kThere, kHealth, "/").status, 503);
  EXPECT_THAT(asked(world, kThere, kHealth, "/").body, HasSubstr(R"("localEndpoints":0)"));
}

TEST(Health, only_terminating_endpoints_are_503_although_they_still_serve) {
  const auto world = local_world({test::leaving(test::endpoint("10.244.1.10", "node-1"))});
  EXPECT_EQ(asked(world, kHere, kHealth, "/").status, 503);
}

TEST(Health, an_endpoint_counts_once_however_many_ports_it_has) {
  auto world = local_world({test::endpoint("10.244.1.10", "node-1")});
  world.services[0].ports.push_back(test::port("more", Protocol::kTcp, 81, 30081));
  world.slices[0].ports.push_back({"more", Protocol::kTcp, 8081});
  EXPECT_THAT(asked(world, kHere, kHealth, "/").body, HasSubstr(R"("localEndpoints":1)"));
}

TEST(Health, a_service_without_local_policy_has_no_health_port) {
  auto world = local_world({test::endpoint("10.244.1.10", "node-1")});
  world.services[0].external_policy = world::TrafficPolicy::kCluster;
  EXPECT_TRUE(health_of(world, kHere).services.empty());
}

TEST(Health, the_health_port_does_not_hang_on_node_ports_or_on_the_nodes_life) {
  auto world = local_world({test::endpoint("10.244.1.10", "node-1")});
  world.services[0].allocate_node_ports = false;
  world.services[0].ports[0].node_port = 0;
  world.nodes[0].deleting = true;
  EXPECT_EQ(asked(world, kHere, kHealth, "/").status, 200);
}

TEST(Health, a_node_that_goes_away_fails_healthz_and_not_livez) {
  auto world = local_world({});
  EXPECT_EQ(asked(world, kHere, kProxyHealthPort, "/healthz").status, 200);
  world.nodes[0].taints = {{std::string(world::kScaleDownTaint), "", "NoSchedule"}};
  EXPECT_EQ(asked(world, kHere, kProxyHealthPort, "/healthz").status, 503);
  EXPECT_EQ(asked(world, kThere, kProxyHealthPort, "/healthz").status, 200);
  EXPECT_EQ(asked(world, kHere, kProxyHealthPort, "/livez").status, 200);
  world.nodes[0].taints.clear();
  world.nodes[0].deleting = true;
  EXPECT_EQ(asked(world, kHere, kProxyHealthPort, "/healthz").status, 503);
}

TEST(Health, a_proxy_that_could_not_put_its_rules_is_healthy_nowhere) {
  const auto world = local_world({test::endpoint("10.244.1.10", "node-1")});
  EXPECT_EQ(asked(world, kHere, kHealth, "/", false).status, 503);
  EXPECT_EQ(asked(world, kHere, kProxyHealthPort, "/healthz", false).status, 503);
  EXPECT_EQ(asked(world, kHere, kProxyHealthPort, "/livez", false).status, 503);
}

TEST(Health, http_requests_are_read_with_bounds) {
  Health health;
  health.synced = true;
  const auto response = [&](std::string_view request) {
    return http_response(health, Family::kIpv4, kProxyHealthPort, request);
  };
  EXPECT_EQ(response("GET /livez HTTP/1.1\r\nHost: x\r\n"), "");
  EXPECT_THAT(response("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response("GET /livez?verbose HTTP/1.0\r\n\r\n"),
              EndsWith("\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"));
  EXPECT_THAT(response("GET /other HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(response("POST /livez HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(response(std::string(4096, 'x')), StartsWith("HTTP/1.1 405 "));
}

}  // namespace
}  // namespace conntruth::lab_proxy
