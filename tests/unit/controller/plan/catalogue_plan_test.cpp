// The catalogue that comes with the program, planned on topologies of several sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "common/world/world_reader.hpp"
#include "controller/catalogue/catalogue.hpp"
#include "controller/plan/planner.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::plan {
namespace {

const std::vector<catalogue::Scenario>& catalogue_of_the_program() {
  static const auto loaded = catalogue::load_catalogue(catalogue::default_directory());
  EXPECT_TRUE(loaded) << loaded.error().message;
  return *loaded;
}

Plan plan_of(const Shape& shape, const PlanOptions& options = {}) {
  const auto topology = make_topology(shape);
  auto plan = make_plan(topology, make_nodes(topology), catalogue_of_the_program(), options);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *plan : Plan{};
}

TEST(CataloguePlan, stays_within_the_budget_of_probes_on_three_nodes) {
  const auto plan = plan_of({}, {.protocols = {Protocol::kTcp, Protocol::kUdp}});
  std::map<std::string, std::pair<std::size_t, std::uint64_t>> by_scenario;
  for (std::size_t index = 0; index < plan.stages.size(); ++index) {
    const auto& stage = plan.stages[index];
    std::map<std::uint32_t, std::uint32_t> counts;
    std::uint64_t probes = 0;
    for (const auto& planned : stage.tasks) {
      counts[planned.task.id] = planned.task.count;
      probes += planned.task.count;
    }
    std::uint64_t controls = 0;
    for (const auto& control : stage.controls) {
      for (const auto task : control.tasks) controls += counts[task];
    }
    for (const auto& cell : stage.cells) {
      auto& [cells, total] = by_scenario[cell.scenario];
      ++cells;
      for (const auto task : cell.tasks) total += counts[task];
    }
    std::cout << "stage " << index + 1 << ": " << stage.cells.size() << " cells, " << stage.controls.size()
              << " controls of " << controls << " probes, " << probes << " probes\n";
  }
  for (const auto& [scenario, numbers] : by_scenario) {
    std::cout << "  " << scenario << ": " << numbers.first << " cells, " << numbers.second << " probes\n";
  }
  std::cout << "total: " << count_probes(plan) << " probes, " << plan.responders.size() << " responders\n";
  EXPECT_LT(count_probes(plan), 700'000U);
}

struct Sized {
  const char* name;
  Shape shape;
  PlanOptions options;
};

class EveryTopology : public testing::TestWithParam<Sized> {};

TEST_P(EveryTopology, gets_a_plan_that_holds_together) {
  const auto topology = make_topology(GetParam().shape);
  const auto plan = plan_of(GetParam().shape, GetParam().options);
  std::set<std::string> cells;
  std::set<std::uint32_t> tasks;
  std::set<std::uint32_t> responders;
  std::set<std::tuple<std::string, std::string, Protocol, std::uint16_t>> sockets;
  for (const auto& [agent, spec, addresses, foreign] : plan.responders) {
    EXPECT_FALSE(foreign);
    EXPECT_TRUE(responders.insert(spec.id).second);
    EXPECT_TRUE(sockets.insert({agent, spec.place, spec.protocol, spec.port}).second);
    EXPECT_FALSE(addresses.empty());
    EXPECT_TRUE(spec.port >= 1000 && spec.port < 8000) << spec.port;
  }
  std::set<SocketAddress> answering;
  for (const auto& each : plan.responders) {
    for (const auto& address : each.addresses) answering.insert({address, each.spec.port});
  }
  for (const auto& stage : plan.stages) {
    std::set<std::uint32_t> of_stage;
    for (const auto* list : {&stage.follow_tasks, &stage.tasks}) {
      for (const auto& [agent, task] : *list) {
        EXPECT_TRUE(tasks.insert(task.id).second);
        of_stage.insert(task.id);
        EXPECT_FALSE(task.target.address.is_unspecified());
        EXPECT_NE(task.target.port, 0);
        EXPECT_GT(task.count, 0U);
      }
    }
    for (const auto& control : stage.controls) {
      EXPECT_TRUE(!control.positive || responders.contains(control.responder)) << control.id;
      for (const auto task : control.tasks) EXPECT_TRUE(of_stage.contains(task)) << control.id;
    }
    for (const auto& cell : stage.cells) {
      EXPECT_TRUE(cells.insert(cell.id).second) << cell.id << " stands twice";
      EXPECT_FALSE(cell.tasks.empty()) << cell.id;
      EXPECT_FALSE(cell.controls.empty()) << cell.id;
      for (const auto task : cell.tasks) EXPECT_TRUE(of_stage.contains(task)) << cell.id;
      for (const auto& endpoint : cell.expectation.endpoints) EXPECT_TRUE(answering.contains(endpoint)) << cell.id;
    }
    EXPECT_TRUE(world::read_world(world::write_world(stage.world), "stage"))
        << "the world must be one that a cluster takes";
  }
}

INSTANTIATE_TEST_SUITE_P(
    CataloguePlan, EveryTopology,
    testing::Values(Sized{"one_node", {.nodes = 1}, {}}, Sized{"one_pod", {.nodes = 1, .pods = 1}, {}},
                    Sized{"two_nodes", {.nodes = 2}, {}}, Sized{"three_nodes", {}, {}},
                    Sized{"ipv4_alone", {.ipv6 = false}, {}}, Sized{"ipv6_alone", {.ipv4 = false}, {}},
                    Sized{"nobody_outside", {.external = false}, {}}, Sized{"no_zones", {.zones = 0}, {}},
                    Sized{"fifty_nodes",
                          {.nodes = 50},
                          {.skip = {"clusterip-each-pod", "no-endpoints", "headless", "source-address", "hints-*"},
                           .protocols = {Protocol::kTcp},
                           .families = {Family::kIpv6}}}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(CataloguePlan, has_every_node_as_client_and_entry_in_both_families) {
  const auto plan = plan_of({});
  std::set<std::string> clients;
  std::set<std::string> entries;
  for (const auto& stage : plan.stages) {
    for (const auto& cell : stage.cells) {
      const auto family = std::string(to_string(cell.flow.family()));
      clients.insert(cell.flow.vantage.node + " " + family);
      if (!cell.flow.entry.node.empty()) entries.insert(cell.flow.entry.node + " " + family);
    }
  }
  EXPECT_EQ(clients.size(), 6U);
  EXPECT_EQ(entries.size(), 6U);
}

TEST(CataloguePlan, covers_every_entry_kind_and_every_vantage_with_both_answers_and_none) {
  const auto plan = plan_of({});
  std::set<std::tuple<EntryKind, VantageKind, bool>> seen;
  for (const auto& stage : plan.stages) {
    for (const auto& cell : stage.cells) {
      seen.insert({cell.flow.entry.kind, cell.flow.vantage.kind, cell.expectation.outcomes.replied});
    }
  }
  for (const auto entry : {EntryKind::kNodePort, EntryKind::kExternalIp, EntryKind::kLoadBalancer}) {
    for (const auto vantage : {VantageKind::kPod, VantageKind::kNode, VantageKind::kExternal}) {
      EXPECT_TRUE(seen.contains({entry, vantage, true})) << to_string(entry);
      EXPECT_TRUE(seen.contains({entry, vantage, false})) << to_string(entry);
    }
  }
}

TEST(CataloguePlan, is_the_same_each_time) {
  const auto first = plan_of({});
  const auto second = plan_of({});
  ASSERT_EQ(first.stages.size(), second.stages.size());
  for (std::size_t index = 0; index < first.stages.size(); ++index) {
    EXPECT_EQ(first.stages[index].world, second.stages[index].world);
    ASSERT_EQ(first.stages[index].tasks.size(), second.stages[index].tasks.size());
    for (std::size_t task = 0; task < first.stages[index].tasks.size(); ++task) {
      EXPECT_EQ(first.stages[index].tasks[task].task, second.stages[index].tasks[task].task);
    }
  }
}

}  // namespace
}  // namespace conntruth::plan
