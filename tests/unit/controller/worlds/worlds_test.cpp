#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/world/world_reader.hpp"
#include "controller/worlds/generator.hpp"
#include "controller/worlds/placement.hpp"
#include "controller/worlds/shrink.hpp"
#include "controller/worlds/world_file.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::worlds {
namespace {

using testing::HasSubstr;

const Topology& topology() {
  static const Topology kTopology = plan::make_topology({});
  return kTopology;
}

world::World placed(std::uint64_t number, const std::string& id = "w1", std::uint32_t slot = 1) {
  return place(generate(topology(), 7, number), topology(), id, slot).value();
}

TEST(RandomWorlds, are_the_same_for_the_same_seed_and_others_for_another) {
  EXPECT_EQ(generate(topology(), 7, 3), generate(topology(), 7, 3));
  EXPECT_FALSE(generate(topology(), 7, 3) == generate(topology(), 7, 4));
  EXPECT_FALSE(generate(topology(), 7, 3) == generate(topology(), 8, 3));
}

TEST(RandomWorlds, are_accepted_by_the_strict_reader_and_fit_a_slot) {
  for (std::uint64_t number = 0; number < 400; ++number) {
    const auto world = place(generate(topology(), 7, number), topology(), "w" + std::to_string(number),
                             static_cast<std::uint32_t>(number));
    ASSERT_TRUE(world) << world.error().message;
    const auto again = world::read_world(world::write_world(*world), "world");
    ASSERT_TRUE(again) << number << ": " << again.error().message;
    EXPECT_EQ(*again, *world) << number;
  }
}

// What no five hundred worlds contain is not tested by them.
TEST(RandomWorlds, have_every_kind_of_thing) {
  std::set<std::string> seen;
  const auto note = [&](bool there, const std::string& what) {
    if (there) seen.insert(what);
  };
  for (std::uint64_t number = 0; number < 500; ++number) {
    const auto world = generate(topology(), 7, number);
    for (const auto& service : world.services) {
      seen.insert("type " + std::to_string(static_cast<int>(service.type)));
      note(service.headless, "headless");
      note(service.internal_policy == world::TrafficPolicy::kLocal, "internal Local");
      note(service.external_policy == world::TrafficPolicy::kLocal, "external Local");
      note(service.affinity_timeout_s.has_value(), "affinity");
      note(!service.source_ranges.empty(), "source ranges");
      note(!service.external_ips.empty(), "external IPs");
      note(service.ip_families.size() == 1, "one family");
      note(!service.allocate_node_ports, "no node ports");
      note(service.labels.contains(std::string(world::kHeadlessLabel)), "a Service labelled headless");
      note(service.publish_not_ready_addresses, "not ready ones published");
      for (const auto& port : service.ports) note(port.protocol == Protocol::kSctp, "sctp");
    }
    std::map<std::pair<std::string, IpAddress>, world::Endpoint> said;
    for (const auto& slice : world.slices) {
      note(slice.endpoints.empty(), "no endpoints");
      note(slice.labels.contains(std::string(world::kProxyNameLabel)), "a slice for another proxy");
      for (const auto& endpoint : slice.endpoints) {
        const auto [first, is_new] = said.try_emplace({slice.service_name, endpoint.addresses.front()}, endpoint);
        note(!is_new && first->second == endpoint, "twice the same");
        note(!is_new && first->second != endpoint, "a contradiction");
        note(endpoint.node_name.empty(), "no node name");
        note(!endpoint.is_ready() && endpoint.is_terminating() && !endpoint.serving, "draining without saying so");
        note(!endpoint.is_ready() && endpoint.is_terminating() && endpoint.is_serving(), "draining");
        note(!endpoint.is_serving(), "not serving");
        note(!endpoint.ready, "absent condition");
        note(endpoint.zone_hints.has_value(), "zone hints");
        note(endpoint.node_hints.has_value(), "node hints");
        note(endpoint.target_name.find("pod") == std::string::npos, "host network");
      }
    }
  }
  EXPECT_EQ(seen.size(), 27U) << testing::PrintToString(seen);
}

TEST(Placement, gives_worlds_that_stand_together_nothing_in_common) {
  std::set<std::string> used;
  for (std::uint32_t slot = 0; slot < kSlotsAtOnce; ++slot) {
    std::set<std::string> own;
    for (const auto& service : placed(slot, "w" + std::to_string(slot), slot).services) {
      own.insert(service.key());
      for (const auto& address : service.cluster_ips) own.insert(address.to_string());
      for (const auto& address : service.external_ips) own.insert(address.to_string());
      for (const auto& ingress : service.ingress) own.insert("lb " + ingress.address.to_string());
      for (const auto& port : service.ports) {
        if (port.node_port != 0) own.insert(std::to_string(port.node_port));
      }
    }
    for (const auto& each : own) EXPECT_TRUE(used.insert(each).second) << slot << ": " << each;
  }
}

TEST(Placement, of_a_placed_world_only_moves_it) {
  const auto first = placed(5, "w5", 5);
  EXPECT_EQ(place(placed(5, "s0x1", 77), topology(), "w5", 5).value(), first);
  EXPECT_EQ(placed_key(first.services.front().key(), "s0x1"), "conntruth-worlds/s0x1-a");
}

plan::FlowKey flow_to(const world::World& world) {
  const auto& service = world.services.front();
  return {"node-1", EntryKind::kClusterIp, service.key(), service.ports.front().name,
          "",       Protocol::kTcp,        Family::kIpv4};
}

TEST(Shrink, finds_the_one_endpoint_that_a_made_up_fault_needs) {
  const auto needs = [](const world::World& world) {
    return std::ranges::any_of(world.slices, [](const auto& slice) {
      return slice.family == Family::kIpv4 && std::ranges::any_of(slice.endpoints, [](const auto& endpoint) {
               return endpoint.target_name == "node-2-pod-1";
             });
    });
  };
  std::uint64_t number = 0;
  const auto rich = [&] {
    const auto world = placed(number);
    return needs(world) && world.services.size() == 3 && world.services[0].ports.size() == 3;
  };
  while (!rich()) ++number;
  auto world = placed(number);
  const auto flow = flow_to(world);
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (const auto& step : reductions(world, flow)) {
      auto less = reduced(world, {step});
      if (!needs(less)) continue;
      world = std::move(less);
      smaller = true;
      break;
    }
  }
  std::size_t endpoints = 0;
  for (const auto& slice : world.slices) endpoints += slice.endpoints.size();
  EXPECT_LE(world.services.size(), 2U);  // the flow's own and the endpoint's
  EXPECT_EQ(world.service(flow.service)->ports.size(), 1U);
  EXPECT_EQ(endpoints, 1U);
}

TEST(Shrink, always_ends_and_never_takes_the_flow_away) {
  for (std::uint64_t number = 0; number < 100; ++number) {
    auto world = placed(number);
    const auto flow = flow_to(world);
    unsigned taken = 0;
    for (auto steps = reductions(world, flow); !steps.empty(); steps = reductions(world, flow)) {
      world = reduced(world, {steps.front()});
      ASSERT_LT(++taken, 100U) << steps.front().what;
    }
    const auto* service = world.service(flow.service);
    ASSERT_NE(service, nullptr) << number;
    EXPECT_NE(service->port_named(flow.port), nullptr) << number;
  }
}

TEST(WorldFile, of_many_worlds_gives_them_back) {
  WorldSet set{{}, {13, 5}};
  for (std::uint64_t number = 0; number < 20; ++number) {
    set.worlds.push_back({"w" + std::to_string(number), ~number, placed(number), {}});
  }
  set.worlds[3].only = flow_to(set.worlds[3].world);
  const auto again = read_worlds(write_worlds(set));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->worlds, set.worlds);
  EXPECT_EQ(again->shape.per_stage, 13U);
  EXPECT_EQ(read_worlds("{}").error().code, ErrorCode::kInvalidInput);
}

TEST(WorldFile, is_yaml_that_the_worlds_reader_takes_with_its_comments_in_front) {
  const auto world = placed(4);
  const auto text = to_yaml(world, {"seed 7, world 4"});
  EXPECT_THAT(text, testing::StartsWith("# seed 7, world 4\n---\n"));
  const auto again = world::read_world(text, "world.yaml");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->services, world.services);
  EXPECT_EQ(again->slices, world.slices);
}

TEST(WorldsPlan, probes_the_same_sample_of_flows_each_time_and_only_the_one_flow_that_is_named) {
  std::vector<plan::NamedWorld> worlds;
  for (std::uint64_t number = 0; number < 12; ++number) {
    const auto id = "w" + std::to_string(number);
    worlds.push_back({id, world_seed(7, number), placed(number, id, static_cast<std::uint32_t>(number)), {}});
  }
  const auto nodes = plan::make_nodes(topology());
  const auto plan = plan::make_worlds_plan(topology(), nodes, worlds, {5, 4}, {});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->stages.size(), 3U);
  std::vector<plan::Cell> cells;
  for (const auto& stage : plan->stages) {
    for (const auto& cell : stage.cells) {
      if (cell.rule == plan::CellRule::kFlows) cells.push_back(cell);
    }
  }
  EXPECT_GT(cells.size(), 36U);
  EXPECT_LE(cells.size(), 48U);
  auto one = *std::ranges::find(worlds, cells.front().scenario, &plan::NamedWorld::id);
  one.only = plan::key_of(cells.front().flow);
  const auto alone = plan::make_worlds_plan(topology(), nodes, {one}, {5, 4}, {});
  ASSERT_TRUE(alone) << alone.error().message;
  EXPECT_EQ(std::ranges::count(alone->stages[0].cells, plan::CellRule::kFlows, &plan::Cell::rule), 1);
}

}  // namespace
}  // namespace conntruth::worlds
