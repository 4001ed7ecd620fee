// The client and the writer of worlds on a real kube-apiserver.
#include "controller/kube/world_writer.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <mutex>
#include <set>

#include "controller/catalogue/catalogue.hpp"
#include "controller/plan/planner.hpp"
#include "kube/reflector.hpp"
#include "tests/lab/kube_client/real_api.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::kube {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// What a Service dataplane sees of a World, without what the API adds.
void expect_same(const world::World& want, const world::World& found, const std::string& where) {
  ASSERT_EQ(want.services.size(), found.services.size()) << where;
  ASSERT_EQ(want.slices.size(), found.slices.size()) << where;
  for (const auto& service : want.services) {
    const auto* other = found.service(service.key());
    ASSERT_NE(other, nullptr) << where << " " << service.key();
    EXPECT_EQ(service.type, other->type) << where << " " << service.key();
    EXPECT_EQ(service.ingress, other->ingress) << where << " " << service.key();
    if (!service.cluster_ips.empty() && service.type != world::ServiceType::kExternalName) {
      EXPECT_EQ(service.cluster_ips, other->cluster_ips) << where << " " << service.key();
    }
    for (const auto& port : service.ports) {
      const auto* same = other->port_named(port.name);
      ASSERT_NE(same, nullptr) << where << " " << service.key();
      EXPECT_EQ(port.port, same->port);
      if (port.node_port != 0 || !service.allocate_node_ports) {
        EXPECT_EQ(port.node_port, same->node_port) << where << " " << service.key();
      }
    }
  }
}

plan::Plan plan_of(const std::vector<catalogue::Scenario>& scenarios) {
  const auto topology = plan::make_topology({});
  auto plan = plan::make_plan(topology, plan::make_nodes(topology), scenarios, {});
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *plan : plan::Plan{};
}

void publish_stages(ClusterWorld& cluster, const plan::Plan& plan, const std::string& name,
                    std::set<std::string>& dropped, const std::function<ClusterWorld()>& read) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const auto where = fmt::format("{} stage {}", name, i + 1);
    const auto report = cluster.publish(plan.stages[i].world);
    ASSERT_TRUE(report) << where << ": " << report.error().message;
    for (const auto& field : report->dropped) dropped.insert(fmt::format("{}: {}", where, field));
    expect_same(plan.stages[i].world, read().published(), where);
    const auto again = cluster.publish(plan.stages[i].world);
    ASSERT_TRUE(again) << where << ": " << again.error().message;
    EXPECT_EQ(again->requests, 0U) << where;
  }
}

TEST_F(RealApi, takes_every_world_of_the_catalogue_one_scenario_after_the_other) {
  const auto scenarios = catalogue::load_catalogue(catalogue::default_directory());
  ASSERT_TRUE(scenarios) << scenarios.error().message;
  auto cluster = adopt();
  std::set<std::string> dropped;
  for (const auto& scenario : *scenarios)
    publish_stages(cluster, plan_of({scenario}), scenario.id, dropped, [this] { return adopt(); });
  for (const auto& field : dropped) std::cout << "not kept: " << field << '\n';
  EXPECT_THAT(dropped, IsEmpty());
}

TEST_F(RealApi, takes_the_whole_catalogue_at_once) {
  const auto scenarios = catalogue::load_catalogue(catalogue::default_directory());
  ASSERT_TRUE(scenarios) << scenarios.error().message;
  auto cluster = adopt();
  std::set<std::string> dropped;
  publish_stages(cluster, plan_of(*scenarios), "catalogue", dropped, [this] { return adopt(); });
  EXPECT_THAT(dropped, IsEmpty());
}

world::World many(unsigned count, unsigned port) {
  world::World world;
  for (unsigned i = 0; i < count; ++i) {
    world::Service service;
    service.namespace_name = "conntruth-many";
    service.name = fmt::format("s{}", i);
    service.ports = {{"http", Protocol::kTcp, static_cast<std::uint16_t>(port), std::uint16_t{0}, 0}};
    service.cluster_ips = {*IpAddress::parse(fmt::format("10.96.{}.{}", 100 + i / 200, 1 + i % 200))};
    world.services.push_back(service);
    world::EndpointSlice slice;
    slice.namespace_name = service.namespace_name;
    slice.name = service.name + "-1";
    slice.service_name = service.name;
    slice.ports = {{"http", Protocol::kTcp, static_cast<std::uint16_t>(port)}};
    slice.endpoints.resize(1);
    slice.endpoints[0].addresses = {*IpAddress::parse("10.244.1.10")};
    slice.endpoints[0].node_name = "node-1";
    world.slices.push_back(slice);
  }
  return world;
}

TEST_F(RealApi, writes_six_hundred_objects_while_a_reflector_sees_each_of_them) {
  std::mutex mutex;
  std::map<std::string, std::string> seen;
  Reflector reflector(*client_, kEndpointSlices, {.selector = "app.kubernetes.io/managed-by=conntruth", .page = 50},
                      {[&](const ObjectEvent& event) {
                         const std::lock_guard lock(mutex);
                         if (event.kind == ObjectEvent::Kind::kDeleted) {
                           seen.erase(event.key);
                         } else {
                           seen[event.key] = event.version;
                         }
                         client_->wake();
                       },
                       {},
                       [](const Error& error) { std::cout << "trouble: " << error.message << '\n'; }});
  reflector.start();
  auto cluster = adopt();
  for (const auto& [what, next] :
       {std::pair("created", many(300, 80)), {"updated", many(300, 81)}, {"deleted", many(0, 0)}}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto report = cluster.publish(next);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    ASSERT_TRUE(report) << report.error().message;
    std::cout << fmt::format("600 objects {} in {} ms with {} requests, {} retries\n", what, took.count(),
                             report->requests, client_->counters().retries);
    const auto all_seen = [&] {
      const std::lock_guard lock(mutex);
      return seen.size() == next.slices.size();
    };
    EXPECT_FALSE(client_->wait(std::chrono::seconds(20), all_seen)) << what;
  }
  reflector.stop();
  EXPECT_EQ(reflector.counters().events, 900U);
  EXPECT_EQ(reflector.counters().relists, 0U);
}

TEST_F(RealApi, goes_on_with_what_another_run_left) {
  ASSERT_TRUE(adopt().publish(many(20, 80)));
  auto second = adopt();
  EXPECT_EQ(second.published().services.size(), 20U);
  const auto report = second.publish(many(10, 81));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->updated, 20U);
  EXPECT_EQ(report->deleted, 20U);
}

TEST_F(RealApi, leaves_the_objects_of_others_alone) {
  const std::string body =
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s0"},"spec":{"ports":[{"port":80}]}})";
  ASSERT_TRUE(client_->call(create(kNamespaces, {}, "conntruth-many", R"({"metadata":{"name":"conntruth-many"}})")));
  ASSERT_TRUE(client_->call(create(kServices, "conntruth-many", "s0", body)));
  const auto report = adopt().publish(many(1, 80));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kConflict);
  EXPECT_THAT(report.error().message, HasSubstr("services conntruth-many/s0: exists already and does not carry"));
  ASSERT_TRUE(adopt().sweep());
  EXPECT_TRUE(client_->call(get(kServices, "conntruth-many", "s0")));
  ASSERT_TRUE(client_->call(kube::remove(kServices, "conntruth-many", "s0")));
}

TEST_F(RealApi, says_which_right_is_missing) {
  const auto other = server_->client("nobody");
  const auto cluster = ClusterWorld::adopt(*other, {});
  ASSERT_FALSE(cluster);
  EXPECT_EQ(cluster.error().code, ErrorCode::kPermission);
  EXPECT_THAT(cluster.error().message, HasSubstr("{apiGroups: [\"\"], resources: [services], verbs: [list]}"));
  const auto unknown = server_->client("wrong");
  EXPECT_THAT(ClusterWorld::adopt(*unknown, {}).error().message, HasSubstr("HTTP 401"));
}

TEST_F(RealApi, names_the_object_that_it_refuses_and_writes_the_others) {
  auto world = many(3, 80);
  world.services[1].cluster_ips = {*IpAddress::parse("192.0.2.1")};
  auto cluster = adopt();
  const auto report = cluster.publish(world);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("create services conntruth-many/s1: HTTP 422"));
  EXPECT_EQ(cluster.published().services.size(), 2U);
}

}  // namespace
}  // namespace conntruth::kube
