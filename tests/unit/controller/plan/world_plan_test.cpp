#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/world/world_reader.hpp"
#include "controller/plan/planner.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::plan {
namespace {

using testing::HasSubstr;

constexpr std::string_view kWorld = R"(
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  clusterIP: 10.96.0.10
  ports: [{port: 80, nodePort: 30080, protocol: TCP}]
---
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 4000, protocol: TCP}]
endpoints:
- {addresses: [10.244.1.10], nodeName: node-1}
- {addresses: [172.31.0.12], nodeName: node-2}
)";

Result<Plan> plan_of(std::string text, std::string_view from = {}, std::string_view to = {},
                     const PlanOptions& options = {}) {
  if (!from.empty()) text.replace(text.find(from), from.size(), to);
  const auto world = world::read_world(text, "world.yaml");
  EXPECT_TRUE(world) << world.error().message;
  const auto topology = make_topology({.nodes = 2});
  return make_world_plan(topology, make_nodes(topology), *world, options);
}

TEST(WorldPlan, probes_every_entry_from_everywhere) {
  const auto plan = plan_of(std::string(kWorld));
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->stages.size(), 1U);
  std::size_t cluster_ip = 0;
  std::size_t node_port = 0;
  for (const auto& cell : plan->stages[0].cells) {
    if (cell.scenario == "follow") continue;
    (cell.flow.entry.kind == EntryKind::kClusterIp ? cluster_ip : node_port) += 1;
    if (cell.flow.entry.kind == EntryKind::kClusterIp) {
      EXPECT_EQ(cell.expectation.endpoints.size(), 2U) << cell.id;
    }
  }
  EXPECT_EQ(cluster_ip, 4U);               // two pods, two hosts
  EXPECT_EQ(node_port, (4 * 2 + 2) * 2U);  // also outside, at each node, in both families
}

TEST(WorldPlan, answers_at_the_worlds_own_ports_and_moves_its_controls_away) {
  const auto plan = *plan_of(std::string(kWorld));
  const auto answers = [&](const char* agent, const char* place, std::uint16_t port) {
    return std::ranges::any_of(plan.responders, [&](const PlannedResponder& each) {
      return each.agent == agent && each.spec.place == place && each.spec.port == port;
    });
  };
  EXPECT_TRUE(answers("node-1", "node-1-pod-0", 4000));
  EXPECT_TRUE(answers("node-2", "", 4000));
  EXPECT_TRUE(answers("node-1", "node-1-pod-0", 4001));  // controls
}

struct Wrong {
  std::string_view from;
  std::string_view to;
  std::string_view message;
};

class WorldMistake : public testing::TestWithParam<Wrong> {};

TEST_P(WorldMistake, is_explained) {
  const auto plan = plan_of(std::string(kWorld), GetParam().from, GetParam().to);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(plan.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    WorldPlan, WorldMistake,
    testing::Values(
        Wrong{"10.244.1.10", "10.9.9.9",
              "service default/web: endpoint 10.9.9.9 is no pod's or node's address here; there are "
              "node-1-pod-0 10.244.1.10, node-1-pod-1 10.244.1.11, node-1 172.31.0.11"},
        Wrong{"nodeName: node-1", "nodeName: node-7",
              "endpoint 10.244.1.10 is on node \"node-7\", which does not exist here; there are node-1, node-2"},
        Wrong{"nodeName: node-1", "nodeName: node-2", "is said to be on node-2, but it is on node-1"},
        Wrong{"metadata: {name: web}", "metadata: {name: canary, namespace: conntruth}",
              "conntruth/canary, which is this program's own"}));

TEST(WorldPlan, names_the_nodes_there_are) {
  const auto plan = plan_of(std::string(kWorld) +
                            "---\nkind: Node\nmetadata: {name: node-1}\n---\nkind: Node\nmetadata: {name: "
                            "node-2}\n---\nkind: Node\nmetadata: {name: other}\n");
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message, "the world has a node \"other\" that does not exist here; there are node-1, node-2");
}

TEST(WorldPlan, selects_by_service) {
  EXPECT_TRUE(plan_of(std::string(kWorld), {}, {}, {.select = {"default/web"}}));
  const auto plan = plan_of(std::string(kWorld), {}, {}, {.select = {"default/wep"}});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message, "nothing of the world is called \"default/wep\"; its Services are default/web");
}

}  // namespace
}  // namespace conntruth::plan
