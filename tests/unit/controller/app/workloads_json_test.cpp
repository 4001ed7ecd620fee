// What the store keeps of a run about real Deployments comes back as it was.
#include "controller/app/workloads_json.hpp"

#include <gtest/gtest.h>

namespace conntruth::app {
namespace {

plan::WorkloadStage stage() {
  plan::WorkloadStage stage;
  world::Service service;
  service.namespace_name = "conntruth";
  service.name = "rolling";
  service.cluster_ips = {*IpAddress::parse("10.96.200.1")};
  service.ports = {{"tcp", Protocol::kTcp, 80, std::string("tcp"), 0}};
  world::EndpointSlice slice;
  slice.namespace_name = "conntruth";
  slice.name = "rolling-x7k2p";
  slice.service_name = "rolling";
  slice.labels = {{std::string(world::kServiceNameLabel), "rolling"}};
  slice.ports = {{"tcp", Protocol::kTcp, 9000}};
  slice.endpoints.resize(1);
  slice.endpoints[0].addresses = {*IpAddress::parse("10.244.1.9")};
  slice.endpoints[0].ready = false;
  slice.endpoints[0].serving = true;
  slice.endpoints[0].terminating = true;
  stage.world.services = {service};
  stage.world.slices = {slice};
  stage.pods = {{"rolling-5d8f-x", "node-1", {*IpAddress::parse("10.244.1.9")}, 9000, 1'000'000, 1'000'001}};
  stage.probes = {{"rolling-update", "rolling", {"rolling"}, {"kept"}}};
  stage.rollout = plan::WorkloadRollout{"rolling", 17, {{123'456'789'012'345, {slice}}, {5, {}}}};
  return stage;
}

TEST(WorkloadsJson, a_stage_comes_back_as_it_was) {
  const auto text = workload_stage_to_json(stage());
  const auto read = workload_stage_from_json(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(workload_stage_to_json(*read), text);
  EXPECT_EQ(read->pods, stage().pods);
  EXPECT_EQ(read->probes, stage().probes);
  EXPECT_EQ(read->world.slices.at(0).endpoints, stage().world.slices[0].endpoints);
  const auto& changes = read->rollout->changes;
  EXPECT_EQ(read->rollout->service, "rolling");
  EXPECT_EQ(read->rollout->rounds, 17U);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].at_ns, 123'456'789'012'345);
  EXPECT_EQ(changes[0].slices.at(0).endpoints, stage().world.slices[0].endpoints);
  EXPECT_TRUE(changes[1].slices.empty());
}

TEST(WorkloadsJson, what_is_no_stage_is_refused) {
  for (const auto* text : {"", "[]", "{}", R"({"world": {"kind": "List", "items": []}, "pods": [{}], "probes": []})"})
    EXPECT_FALSE(workload_stage_from_json(text)) << text;
}

TEST(WorkloadsJson, outlines_come_back_as_they_were) {
  catalogue::Scenario scenario;
  scenario.id = "readiness";
  scenario.title = "t";
  scenario.covers = {"gap.workload.readiness"};
  scenario.steps.resize(2);
  scenario.steps[1].name = "one-withdrawn";
  const auto read = outlines_from_json(outlines_to_json({scenario}));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->at(0).id, "readiness");
  EXPECT_EQ(read->at(0).covers, scenario.covers);
  EXPECT_EQ(read->at(0).steps.at(1).name, "one-withdrawn");
}

}  // namespace
}  // namespace conntruth::app
