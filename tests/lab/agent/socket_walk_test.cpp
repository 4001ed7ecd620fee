// What is translated at the socket, by a program of a cgroup, leaves as a packet to the endpoint.
#include "tests/lab/agent/socket_program.hpp"
#include "tests/lab/agent/walk_bench.hpp"

namespace conntruth::tests {
namespace {

class SocketWalk : public WalkTest {};

TEST_F(SocketWalk, shows_the_endpoint_from_its_first_step_on) {
  if (SocketProgram::hierarchy().empty()) GTEST_SKIP() << "no cgroup v2 that can be written here";
  const auto service = socket_at("10.96.0.10", 80);
  const auto server = socket_at("10.2.0.2", kPort);
  walk_begins();
  begin();
  const SocketProgram program(service, server);
  const auto hops = hops_of(one(Method::kUdpSocket, service), [](const Hop& hop) {
    return hop.answer && hop.kind == HopKind::kDeviceIn && hop.place == "client";
  });
  EXPECT_EQ(count(samples, Outcome::kReplied), 1U) << text_of(hops);
  ASSERT_FALSE(hops.empty());
  EXPECT_EQ(hops.front().kind, HopKind::kHook);
  EXPECT_EQ(hops.front().hook, NetfilterHook::kOutput);
  EXPECT_EQ(hops.front().priority, -201);
  EXPECT_EQ(hops.front().place, "client");
  EXPECT_EQ(hops.front().destination, server);
}

}  // namespace
}  // namespace conntruth::tests
