// Which rules of the packet filter a probe met: named with their texts, in namespaces with rules of ours.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "agent/io/fd.hpp"
#include "agent/io/netns.hpp"
#include "agent/observe/rule_trace.hpp"
#include "tests/lab/agent/walk_bench.hpp"

namespace conntruth::tests {
namespace {

std::string text_of(const std::vector<RuleStep>& steps) {
  std::string text = "the rules:\n";
  for (const auto& step : steps) {
    text += fmt::format("  {} {}{} {} > {} {} {}{}: {} {} handle {}: {} ({} {}) mark {:x}\n", step.probe,
                        step.answer ? "< " : "> ", step.place, step.source.to_string(), step.destination.to_string(),
                        to_string(step.hook), step.priority, step.nat ? " nat" : "", step.table, step.chain,
                        step.handle, step.text, to_string(step.verdict), step.to, step.mark);
  }
  return text;
}

class RuleTest : public WalkTest {
 protected:
  static Result<observe::RuleTrace> trace_here(const Network& network) {
    std::optional<observe::RuleTrace> trace;
    const auto done = io::in_network_namespace(network.router.path(), [&]() -> Status {
      auto made = observe::RuleTrace::attach({{"client", network.client.path()}, {"server", network.server.path()}});
      if (!made) return std::unexpected(made.error());
      trace.emplace(std::move(*made));
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return std::move(*trace);
  }
  // The router's tables, as nft lists them.
  [[nodiscard]] std::string tables() const { return network->router.output("nft list tables"); }

  // Sends the task's probes and returns what they met.
  std::vector<RuleStep> rules_of(const ProbeTask& task, const Wanted& until) {
    auto trace = trace_here(*network);
    EXPECT_TRUE(trace) << trace.error().message;
    if (!trace) return {};
    EXPECT_EQ(trace->unavailable(), std::vector<std::string>());
    trace->saw(hops_of(task, until));
    walk->detach();
    trace->detach();
    return trace->steps();
  }
};

const RuleStep* find(const std::vector<RuleStep>& steps, RuleVerdict verdict) {
  const auto found = std::ranges::find(steps, verdict, &RuleStep::verdict);
  return found == steps.end() ? nullptr : &*found;
}

class RuleWay : public RuleTest, public ::testing::WithParamInterface<std::tuple<Method, Family>> {
 protected:
  [[nodiscard]] static Method method() { return std::get<0>(GetParam()); }
  [[nodiscard]] static bool v4() { return std::get<1>(GetParam()) == Family::kIpv4; }
  [[nodiscard]] static SocketAddress service() { return socket_at(v4() ? "10.96.0.10" : "fd96::a", 80); }
  [[nodiscard]] static SocketAddress server() { return socket_at(v4() ? "10.2.0.2" : "fd02::2", kPort); }
  [[nodiscard]] static Wanted dropped() {
    return [](const Hop& hop) { return hop.kind == HopKind::kDropped; };
  }
  [[nodiscard]] static Wanted at_client() {
    return [](const Hop& hop) { return hop.answer && hop.kind == HopKind::kDeviceIn && hop.place == "client"; };
  }
};

TEST_P(RuleWay, a_rule_that_drops_is_named) {
  network->router.run(
      "nft 'table inet planted { chain forward { type filter hook forward priority 5; th dport 8080 counter drop; }; "
      "}'");
  walk_begins();
  begin();
  const auto steps = rules_of(one(method(), server()), dropped());
  const auto* drop = find(steps, RuleVerdict::kDrop);
  ASSERT_NE(drop, nullptr) << text_of(steps);
  EXPECT_EQ(drop->text, "th dport 8080 counter drop");
  EXPECT_EQ(drop->table, "inet planted");
  EXPECT_EQ(drop->chain, "forward");
  EXPECT_NE(drop->handle, 0U);
  EXPECT_EQ(drop->place, "");
  EXPECT_EQ(drop->hook, NetfilterHook::kForward);
  EXPECT_EQ(drop->priority, 5);
  EXPECT_EQ(drop->destination, server());
  EXPECT_FALSE(drop->nat);
}

TEST_P(RuleWay, the_rule_that_translates_is_named_and_the_rest_of_the_chain_is_not) {
  network->router.chain("nat hook prerouting priority -100", kWalkService);
  walk_begins();
  begin();
  const auto steps = rules_of(one(method(), service()), at_client());
  const auto* accept = find(steps, RuleVerdict::kAccept);
  ASSERT_NE(accept, nullptr) << text_of(steps);
  EXPECT_TRUE(accept->nat);
  EXPECT_EQ(accept->destination, service());
  EXPECT_NE(accept->text.find("dnat"), std::string::npos) << text_of(steps);
}

TEST_P(RuleWay, a_lookup_that_finds_nothing_is_named_with_its_key) {
  const auto* ip = v4() ? "ip" : "ip6";
  network->router.run(
      fmt::format("nft -f - <<EOF\n"
                  "table {0} proxy {{\n"
                  "  map service-ips {{ type ipv{1}_addr . inet_proto . inet_service : verdict; }}\n"
                  "  chain services {{ {0} daddr . meta l4proto . th dport vmap @service-ips; }}\n"
                  "  chain nat {{ type nat hook prerouting priority -100; jump services; }}\n"
                  "  chain track {{ type filter hook forward priority 0; ct state new counter; }}\n"
                  "}}\n"
                  "EOF",
                  ip, v4() ? "4" : "6"));
  walk_begins();
  begin();
  const auto steps = rules_of(one(method(), server()), at_client());
  const auto miss = std::ranges::find(steps, RuleEvent::kMiss, &RuleStep::event);
  ASSERT_NE(miss, steps.end()) << text_of(steps);
  EXPECT_EQ(miss->text, fmt::format("no element {} . {} . 8080 in map service-ips", server().address.to_string(),
                                    to_string(one(method(), server()).method == Method::kUdpCrafted ? Protocol::kUdp
                                              : method() == Method::kTcpSyn                         ? Protocol::kTcp
                                                                            : Protocol::kSctp)));
  EXPECT_EQ(miss->chain, "services");
  EXPECT_TRUE(miss->nat);
}

TEST_P(RuleWay, a_rule_that_drops_the_answer_is_named_as_the_answer_s) {
  network->router.run(
      "nft 'table inet planted { chain forward { type filter hook forward priority 0; th sport 8080 drop; }; }'");
  walk_begins();
  begin();
  const auto steps = rules_of(one(method(), server()), dropped());
  const auto* drop = find(steps, RuleVerdict::kDrop);
  ASSERT_NE(drop, nullptr) << text_of(steps);
  EXPECT_TRUE(drop->answer);
  EXPECT_EQ(drop->text, "th sport 8080 drop");
}

INSTANTIATE_TEST_SUITE_P(All, RuleWay,
                         ::testing::Combine(::testing::Values(Method::kUdpCrafted, Method::kTcpSyn, Method::kSctpInit),
                                            ::testing::Values(Family::kIpv4, Family::kIpv6)),
                         [](const auto& all) {
                           auto name = std::string(to_string(std::get<0>(all.param))) + "_" +
                                       std::string(to_string(std::get<1>(all.param)));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

class RuleLife : public RuleTest {};

TEST_F(RuleLife, a_refusal_that_is_dropped_on_its_way_back_is_named) {
  network->router.run(
      "nft 'table inet planted { chain forward { type filter hook forward priority 0; icmp type "
      "destination-unreachable drop; icmpv6 type destination-unreachable drop; tcp flags rst drop; }; }'");
  walk_begins();
  begin();
  const auto back_dropped = [](const Hop& hop) { return hop.answer && hop.kind == HopKind::kDropped; };
  auto steps = rules_of(one(Method::kUdpCrafted, socket_at("10.2.0.2", 9)), back_dropped);
  const auto* drop = find(steps, RuleVerdict::kDrop);
  ASSERT_NE(drop, nullptr) << text_of(steps);
  EXPECT_TRUE(drop->answer);
  EXPECT_EQ(drop->text, "icmp type destination-unreachable drop");
}

TEST_F(RuleLife, probes_of_one_flow_are_told_apart) {
  network->router.run(
      "nft 'table inet planted { chain forward { type filter hook forward priority 0; th dport 8080 numgen inc mod 2 0 "
      "drop; }; }'");
  walk_begins();
  begin();
  auto trace = trace_here(*network);
  ASSERT_TRUE(trace) << trace.error().message;
  auto wanted = one(Method::kUdpCrafted, socket_at("10.2.0.2", kPort));
  wanted.count = 6;
  wanted.source_port = 45'000;
  samples = probe(wanted);
  walk->detach();
  walk->drain([&](const std::vector<Hop>& hops) { trace->saw(hops); });
  trace->detach();
  const auto steps = trace->steps();
  for (const auto& sample : samples) {
    const bool dropped = std::ranges::any_of(
        steps, [&](const RuleStep& step) { return step.probe == sample.id && step.verdict == RuleVerdict::kDrop; });
    EXPECT_EQ(dropped, sample.outcome == Outcome::kTimedOut) << sample.id << "\n" << text_of(steps);
  }
}

TEST_F(RuleLife, an_agent_that_is_killed_leaves_no_table) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const auto child = fork();
  if (child == 0) {
    auto attached = trace_here(*network);
    const char told = attached ? 'y' : 'n';
    if (write(pipe[1], &told, 1) != 1) _exit(1);
    while (true) pause();
  }
  close(pipe[1]);
  char told = 'n';
  EXPECT_EQ(read(pipe[0], &told, 1), 1);
  close(pipe[0]);
  EXPECT_EQ(told, 'y');
  EXPECT_NE(tables().find(observe::kTraceTable), std::string::npos) << tables();
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(tables().find(observe::kTraceTable), std::string::npos) << tables();
}

// libnftables waits by select(), which ends the process for descriptors beyond 1023.
TEST_F(RuleLife, an_agent_with_thousands_of_descriptors_traces_all_the_same) {
  std::vector<io::Fd> many;
  for (int i = 0; i < 2'000; ++i) many.emplace_back(dup(STDERR_FILENO));
  if (!many.back()) GTEST_SKIP() << "the limit of open files is below 2000";
  auto trace = trace_here(*network);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_NE(tables().find(observe::kTraceTable), std::string::npos) << tables();
  trace->detach();
  EXPECT_TRUE(trace->steps().empty());
}

TEST_F(RuleLife, detached_it_leaves_no_table) {
  auto trace = trace_here(*network);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_NE(tables().find(observe::kTraceTable), std::string::npos) << tables();
  trace->detach();
  EXPECT_EQ(tables().find(observe::kTraceTable), std::string::npos) << tables();
}

TEST_F(RuleLife, a_place_that_is_gone_is_told_and_the_rest_is_traced) {
  const auto done = io::in_network_namespace(network->router.path(), []() -> Status {
    const auto attached = observe::RuleTrace::attach({{"pod-x", "/proc/self/fd/99999"}});
    if (!attached) return std::unexpected(attached.error());
    EXPECT_EQ(attached->unavailable().size(), 1U);
    EXPECT_TRUE(attached->unavailable()[0].starts_with("rules of pod-x are not traced: "))
        << attached->unavailable()[0];
    return {};
  });
  EXPECT_TRUE(done);
}

TEST_F(RuleLife, without_the_rights_it_says_so) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const auto child = fork();
  if (child == 0) {
    if (setresuid(65'534, 65'534, 65'534) != 0) _exit(1);
    const auto trace = observe::RuleTrace::attach({});
    const auto words = trace ? std::string("it may") : trace.error().message;
    _exit(write(pipe[1], words.data(), words.size()) > 0 ? 0 : 1);
  }
  close(pipe[1]);
  std::array<char, 512> words{};
  EXPECT_GT(read(pipe[0], words.data(), words.size() - 1), 0);
  close(pipe[0]);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(std::string(words.data()).starts_with("rules of the packet filter are not traced here: "))
      << words.data();
}

}  // namespace
}  // namespace conntruth::tests
