// Small plans, written out.
#include "controller/plan/planner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/plan/small_plans.hpp"

namespace conntruth::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kWeb = R"(
id: web
title: One Service
covers: [EC-04]
services: {web: {endpoints: [{on: last}]}}
probes: [{from: [pod, node], to: [clusterIP]}]
)";

TEST(Planner, on_one_node_plans_a_pod_and_the_host) {
  const auto plan = plan_of(kWeb, {.nodes = 1, .pods = 1});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(cell_ids(*plan), ElementsAre("web/steady/node-1-pod-0>clusterIP:web:tcp/tcp/ipv4",
                                           "web/steady/node-1>clusterIP:web:tcp/tcp/ipv4"));
  const auto& cell = cell_of(*plan, "web/steady/node-1-pod-0>clusterIP:web:tcp/tcp/ipv4");
  EXPECT_EQ(cell.table, "web clusterIP tcp ipv4");
  EXPECT_EQ(cell.row, "node-1-pod-0");
  EXPECT_EQ(cell.column, "web:tcp");
  EXPECT_EQ(cell.flow.entry.service, "conntruth/web-web");
  EXPECT_TRUE(cell.expectation.outcomes.replied);
  EXPECT_THAT(cell.expectation.endpoints, ElementsAre(SocketAddress{*IpAddress::parse("10.244.1.10"), 5000}));
}

TEST(Planner, sends_280_flows_by_both_methods_where_an_answer_is_expected) {
  const auto plan = *plan_of(kWeb, {});
  const auto& cell = cell_of(plan, "web/steady/node-2-pod-0>clusterIP:web:tcp/tcp/ipv4");
  ASSERT_THAT(cell.tasks, SizeIs(2));
  const auto& socket = task_of(plan, cell.tasks[0]);
  const auto& crafted = task_of(plan, cell.tasks[1]);
  EXPECT_EQ(socket.method, Method::kTcpSocket);
  EXPECT_EQ(crafted.method, Method::kTcpSyn);
  EXPECT_EQ(socket.count + crafted.count, 280U);
  EXPECT_EQ(socket.place, "node-2-pod-0");
  EXPECT_EQ(socket.target, cell.flow.entry.target);
  EXPECT_TRUE(socket.source.is_unspecified());
  EXPECT_EQ(socket.source_port, 0);
}

TEST(Planner, gives_each_cell_its_paths_a_refusal_and_its_responders) {
  const auto plan = *plan_of(kWeb, {});
  const auto& cell = cell_of(plan, "web/steady/node-2-pod-0>clusterIP:web:tcp/tcp/ipv4");
  std::vector<std::string> ids;
  for (const auto index : cell.controls) ids.push_back(plan.stages[0].controls[index].id);
  EXPECT_THAT(ids, testing::UnorderedElementsAre("control/positive/node-2-pod-0>node-3-pod-0/tcp/ipv4",
                                                 "control/negative/node-2-pod-0>node-3-pod-0/tcp/ipv4",
                                                 "control/responder/node-3-pod-0:5000/tcp/ipv4"));
  for (const auto& control : plan.stages[0].controls) {
    EXPECT_EQ(control.positive, control.responder != 0) << control.id;
    EXPECT_THAT(control.tasks, testing::Not(IsEmpty())) << control.id;
  }
}

TEST(Planner, gives_a_cell_that_expects_no_answer_controls_of_both_signs_too) {
  const auto plan = *plan_of(R"(
id: web
title: Nobody answers
services: {web: {endpoints: []}}
probes: [{from: [pod, node], to: [clusterIP]}]
)",
                             {.nodes = 1, .pods = 1});
  for (const auto& id : cell_ids(plan)) {
    const auto& cell = cell_of(plan, id);
    EXPECT_TRUE(cell.expectation.outcomes.refused);
    EXPECT_EQ(task_of(plan, cell.tasks[0]).count + task_of(plan, cell.tasks[1]).count, 64U);
    const auto has = [&](bool positive) {
      return std::ranges::any_of(cell.controls,
                                 [&](auto index) { return plan.stages[0].controls[index].positive == positive; });
    };
    EXPECT_TRUE(has(true)) << id;
    EXPECT_TRUE(has(false)) << id;
  }
}

TEST(Planner, follows_each_change_from_every_node_by_a_canary_with_a_new_responder) {
  const auto plan = *plan_of(R"(
id: web
title: Two steps
services: {web: {endpoints: [{on: first}]}}
probes: [{from: [pod], to: [clusterIP]}]
steps: [{name: a}, {name: b, pause_ms: 70, services: {web: {endpoints: []}}}]
)",
                             {}, {});
  ASSERT_THAT(plan.stages, SizeIs(2));
  EXPECT_EQ(plan.stages[1].pause.count(), 70);
  std::vector<std::uint32_t> responders;
  std::vector<std::uint16_t> service_ports;
  for (const auto& stage : plan.stages) {
    ASSERT_THAT(stage.follow_tasks, SizeIs(6));  // three nodes, two families
    const auto& task = stage.follow_tasks[0].task;
    EXPECT_EQ(stage.follow_tasks[0].agent, "node-1");
    EXPECT_EQ(task.method, Method::kUdpCrafted);
    EXPECT_EQ(task.interval.count(), 2000);
    EXPECT_EQ(task.count, 1000U);
    EXPECT_EQ(task.until_count, 5U);
    ASSERT_THAT(task.until_responders, SizeIs(1));
    responders.push_back(task.until_responders[0]);
    const auto& cell = stage.cells.front();
    EXPECT_EQ(cell.rule, CellRule::kFollow);
    EXPECT_EQ(cell.row, "node-1");
    EXPECT_EQ(cell.column, "follow");
    EXPECT_EQ(cell.follow_bound.count(), 2000);
    EXPECT_THAT(cell.tasks, ElementsAre(task.id));
    EXPECT_EQ(stage.world.services.back().key(), "conntruth/canary") << "told of last";
    EXPECT_EQ(stage.world.services.back().ports.front().port, task.target.port);
    service_ports.push_back(task.target.port);
  }
  EXPECT_NE(responders[0], responders[1]);
  EXPECT_NE(service_ports[0], service_ports[1]);
  EXPECT_EQ(plan.stages[0].cells.front().id, "follow/stage-1/node-1>canary/udp/ipv4");
}

TEST(Planner, probes_the_whole_cube_on_few_nodes_and_every_pair_on_many) {
  constexpr std::string_view kCube = R"(
id: cube
title: Cube
services: {web: {each: node, spec: {type: NodePort}, endpoints: [{on: own}]}}
probes: [{from: [pod, node, external], to: [nodePort]}]
)";
  // client × entry × endpoint for pods and hosts; a client outside enters at the node that it probes
  EXPECT_THAT(cell_ids(*plan_of(kCube, {})), SizeIs(27 + 27 + 9));
  const auto many = *plan_of(kCube, {.nodes = 7, .pods = 1});
  std::set<std::string> client_entry;
  std::set<std::string> entry_endpoint;
  std::set<std::string> client_endpoint;
  for (const auto& id : cell_ids(many)) {
    const auto& cell = cell_of(many, id);
    if (cell.flow.vantage.kind != VantageKind::kPod) continue;
    const auto endpoint = cell.column.substr(cell.column.find(" to ") + 4);
    client_entry.insert(cell.row + cell.flow.entry.node);
    entry_endpoint.insert(cell.flow.entry.node + endpoint);
    client_endpoint.insert(cell.row + endpoint);
  }
  EXPECT_THAT(client_entry, SizeIs(49));
  EXPECT_THAT(entry_endpoint, SizeIs(49));
  EXPECT_THAT(client_endpoint, SizeIs(49));
}

constexpr std::string_view kFixed = R"(
id: stale
title: Stale
services: {web: {spec: {ports: [{name: udp, port: 80, protocol: UDP}]}, endpoints: [{on: first}]}}
probes: [{from: [pod], to: [clusterIP], rule: fixed-flow}]
steps: [{name: a}, {name: b, services: {web: {endpoints: [{on: last, variant: 1}]}}}]
)";

TEST(Planner, keeps_the_five_tuple_of_a_fixed_flow_over_all_steps) {
  const auto plan = *plan_of(kFixed, {}, {.families = {Family::kIpv4}});
  const auto& before =
      task_of(plan, cell_of(plan, "stale/a/node-1-pod-0>clusterIP:web:fixed-flow/udp/ipv4").tasks.at(0));
  const auto& after =
      task_of(plan, cell_of(plan, "stale/b/node-1-pod-0>clusterIP:web:fixed-flow/udp/ipv4").tasks.at(0));
  EXPECT_EQ(before.method, Method::kUdpCrafted);
  EXPECT_EQ(before.source_port, 8000);
  EXPECT_EQ(after.source_port, before.source_port);
  EXPECT_EQ(after.target, before.target);
  const auto shifted = *plan_of(kFixed, {}, {.families = {Family::kIpv4}, .fixed_port_offset = 12});
  EXPECT_EQ(task_of(shifted, cell_of(shifted, "stale/a/node-1-pod-0>clusterIP:web:fixed-flow/udp/ipv4").tasks.at(0))
                .source_port,
            8012);
}

// Linux takes a UDP flow for a stream once it is answered more than two seconds after its beginning
// (net/netfilter/nf_conntrack_proto_udp.c), and keeps others for four seconds only in a lab: less than a stage takes. A
// busy machine sends the first of them late, so that two seconds and a little are not enough.
TEST(Planner, probes_a_fixed_flow_until_conntrack_takes_it_for_a_stream_also_where_it_began_anew) {
  const PlanOptions options;
  const auto gaps = options.fixed_flow - 1;
  EXPECT_GE(gaps * options.fixed_interval, std::chrono::seconds(3));
}

TEST(Planner, excuses_only_a_fixed_flow_that_lived_before_the_change) {
  const auto plan = *plan_of(kFixed, {}, {.families = {Family::kIpv4}});
  EXPECT_EQ(cell_of(plan, "stale/a/node-1-pod-0>clusterIP:web:fixed-flow/udp/ipv4").settle.count(), 0);
  EXPECT_GT(cell_of(plan, "stale/b/node-1-pod-0>clusterIP:web:fixed-flow/udp/ipv4").settle.count(), 0);
}

constexpr std::string_view kKept = R"(
id: kept
title: Kept
services: {web: {endpoints: [{on: first}]}}
probes: [{from: [pod], to: [clusterIP], rule: kept-connection}]
steps:
  - {name: a}
  - {name: b, services: {web: {endpoints: [{on: first, terminating: true}, {on: last, variant: 1}]}}}
  - {name: c, services: {web: {endpoints: [{on: last, variant: 1}]}}}
)";

TEST(Planner, puts_all_steps_of_a_kept_connection_on_one_connection) {
  const auto plan = *plan_of(std::string(kKept), {}, {.families = {Family::kIpv4}});
  const auto& opened = cell_of(plan, "kept/a/node-1-pod-0>clusterIP:web:tcp:kept/tcp/ipv4");
  const auto& after = cell_of(plan, "kept/c/node-1-pod-0>clusterIP:web:tcp:kept/tcp/ipv4");
  EXPECT_EQ(task_of(plan, opened.tasks.at(0)).connection, opened.tasks.at(0));
  EXPECT_EQ(task_of(plan, after.tasks.at(0)).connection, opened.tasks.at(0));
  EXPECT_EQ(task_of(plan, after.tasks.at(0)).method, Method::kTcpSocket);
  EXPECT_THAT(opened.earlier, IsEmpty());
  EXPECT_THAT(after.earlier, SizeIs(2));
  EXPECT_NE(task_of(plan, cell_of(plan, "kept/a/node-2-pod-0>clusterIP:web:tcp:kept/tcp/ipv4").tasks.at(0)).connection,
            opened.tasks.at(0));
}

TEST(Planner, expects_a_kept_connection_to_stay_where_it_was_opened) {
  const auto plan = *plan_of(std::string(kKept), {}, {.families = {Family::kIpv4}});
  const auto& opened = cell_of(plan, "kept/a/node-1-pod-0>clusterIP:web:tcp:kept/tcp/ipv4").expectation;
  const auto& drained = cell_of(plan, "kept/b/node-1-pod-0>clusterIP:web:tcp:kept/tcp/ipv4").expectation;
  EXPECT_EQ(drained.endpoints, opened.endpoints);
  EXPECT_TRUE(drained.scored);
  EXPECT_FALSE(cell_of(plan, "kept/c/node-1-pod-0>clusterIP:web:tcp:kept/tcp/ipv4").expectation.scored);
}

TEST(Planner, says_why_a_scenario_cannot_run_here) {
  const auto needs = [](const char* line) { return fmt::format("{}needs: {}\n", kWeb, line); };
  const auto reasons = [&](const std::string& text, const Shape& shape) {
    const auto plan = plan_of(text, shape);
    EXPECT_TRUE(plan);
    EXPECT_THAT(cell_ids(*plan), IsEmpty());
    EXPECT_THAT(plan->not_run, SizeIs(1));
    return plan->not_run.empty() ? "" : plan->not_run[0].cell + ": " + plan->not_run[0].reason;
  };
  EXPECT_EQ(reasons(needs("{nodes: 4}"), {}), "web/steady/*: needs 4 nodes");
  EXPECT_EQ(reasons(needs("{pods: 2}"), {.pods = 1}), "web/steady/*: needs 2 pods on each node; node-1 has 1");
  EXPECT_EQ(reasons(needs("{zones: 3}"), {.zones = 2}), "web/steady/*: needs nodes in 3 zones");
  const std::string second =
      "id: web\ntitle: A\nservices: {web: {endpoints: [{on: second}]}}\nprobes: [{from: [pod], to: [clusterIP]}]\n";
  EXPECT_EQ(reasons(second, {.nodes = 1}), "web/steady/*: needs at least 2 nodes");
}

TEST(Planner, leaves_out_what_an_agent_cannot_do_and_says_so) {
  constexpr std::string_view kFirst =
      "id: web\ntitle: A\nservices: {web: {endpoints: [{on: first}]}}\nprobes: [{from: [node], to: [clusterIP]}]\n";
  auto options = small();
  options.capabilities = {{"node-1", {"tcp-socket", "ipv6"}}, {"node-2", {"udp-socket"}}, {"external", {}}};
  const auto plan = *plan_of(kFirst, {.nodes = 3, .pods = 1}, options);
  const auto& cell = cell_of(plan, "web/steady/node-1>clusterIP:web:tcp/tcp/ipv4");
  ASSERT_THAT(cell.tasks, SizeIs(1));
  EXPECT_EQ(task_of(plan, cell.tasks[0]).count, 280U);  // all of them by the method that is left
  std::vector<std::string> lines;
  for (const auto& each : plan.not_run) lines.push_back(each.cell + ": " + each.reason);
  EXPECT_THAT(lines,
              testing::Contains("web/steady/node-2>clusterIP:web:tcp/tcp/ipv4: the agent on node-2 cannot do tcp-syn"));
  EXPECT_THAT(lines, testing::Contains("web/steady/node-3>clusterIP:web:tcp/tcp/ipv4: there is no agent on node-3"));
}

TEST(Planner, does_not_run_a_cell_whose_endpoints_nobody_answers_for) {
  auto options = PlanOptions{.protocols = {Protocol::kSctp}};
  options.capabilities = {{"node-1", {"sctp-init", "ipv6"}}, {"node-2", {"udp-socket", "ipv6"}}};
  const auto plan = *plan_of(R"(
id: web
title: SCTP
services: {web: {spec: {ports: [{name: sctp, port: 80, protocol: SCTP}]}, endpoints: [{on: last}]}}
probes: [{from: [pod], clients: first, to: [clusterIP]}]
)",
                             {.nodes = 2}, options);
  EXPECT_THAT(cell_ids(plan), IsEmpty());
  ASSERT_FALSE(plan.not_run.empty());
  EXPECT_EQ(plan.not_run.back().reason, "the agent on node-2 cannot answer sctp");
  for (const auto& responder : plan.responders) EXPECT_NE(responder.spec.protocol, Protocol::kSctp);
}

TEST(Planner, selects_by_scenario_cover_and_cell) {
  const auto ids_of = [](const char* pattern) {
    auto options = small();
    options.select = {pattern};
    return cell_ids(*plan_of(kWeb, {.nodes = 1}, options));
  };
  EXPECT_THAT(ids_of("w*"), SizeIs(2));
  EXPECT_THAT(ids_of("EC-04"), SizeIs(2));
  EXPECT_THAT(ids_of("web/*/node-1>*"), ElementsAre("web/steady/node-1>clusterIP:web:tcp/tcp/ipv4"));
  auto options = small();
  options.skip = {"*/node-1>*"};
  EXPECT_THAT(cell_ids(*plan_of(kWeb, {.nodes = 1}, options)),
              ElementsAre("web/steady/node-1-pod-0>clusterIP:web:tcp/tcp/ipv4"));
}

TEST(Planner, selects_what_a_step_or_a_probe_alone_covers) {
  constexpr std::string_view kParts = R"(
id: web
title: Parts of it cover something of their own
covers: [EC-04]
services: {web: {endpoints: [{on: last}]}}
probes:
  - {from: [pod], to: [clusterIP], covers: [SV-18]}
  - {from: [node], to: [clusterIP]}
steps:
  - {name: one, covers: [EC-05]}
  - {name: two}
)";
  const auto ids_of = [&](const char* pattern) {
    auto options = small();
    options.select = {pattern};
    return cell_ids(*plan_of(kParts, {.nodes = 1}, options));
  };
  EXPECT_THAT(ids_of("EC-04"), SizeIs(4));
  EXPECT_THAT(ids_of("SV-18"), ElementsAre("web/one/node-1-pod-0>clusterIP:web:tcp/tcp/ipv4",
                                           "web/two/node-1-pod-0>clusterIP:web:tcp/tcp/ipv4"));
  EXPECT_THAT(ids_of("EC-05"), ElementsAre("web/one/node-1-pod-0>clusterIP:web:tcp/tcp/ipv4",
                                           "web/one/node-1>clusterIP:web:tcp/tcp/ipv4"));
  auto options = small();
  options.select = {"EC-05"};
  EXPECT_THAT(plan_of(kParts, {.nodes = 1}, options)->stages, SizeIs(1)) << "nothing is probed at the second step";
  options.select = {};
  options.skip = {"SV-18"};
  EXPECT_THAT(cell_ids(*plan_of(kParts, {.nodes = 1}, options)), SizeIs(2)) << "the rest of the scenario stays";
}

TEST(Planner, names_the_closest_ids_for_what_it_does_not_know) {
  auto options = small();
  options.select = {"wep"};
  auto plan = plan_of(kWeb, {}, options);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(plan.error().message, "nothing in the catalogue is called \"wep\"; the closest are web, EC-04");
  options.select = {"web/steady/node-9>*"};
  plan = plan_of(kWeb, {}, options);
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message,
              HasSubstr("no cell is called \"web/steady/node-9>*\"; the closest are web/steady/node-"));
}

TEST(Planner, needs_a_node) {
  const auto plan = plan_of(kWeb, {.nodes = 0});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace conntruth::plan
