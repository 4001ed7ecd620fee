// The programs at tracepoints that packets come by, given every packet of packets.yaml over a pair of devices: the
// kernel has no test-run for them. Sent out of the one (device_out) they come in by the other (device_in), where they
// are dropped (dropped), as they are addressed to another station.
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include "agent/io/netns.hpp"
#include "agent/io/socket.hpp"
#include "tests/bpf/event_ring.hpp"
#include "tests/lab/agent/network.hpp"

namespace conntruth::tests {
namespace {

constexpr std::size_t kMarker = 9'999;  // a case's number that none has

struct AtDevice {
  const char* program;
  std::uint8_t kind;
  const char* device;
};
constexpr std::array kAtDevices = {AtDevice{"device_out", abi::HOP_DEVICE_OUT, "out"},
                                   AtDevice{"device_in", abi::HOP_DEVICE_IN, "in"},
                                   AtDevice{"dropped", abi::HOP_DROPPED, "in"}};

class DevicePrograms : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = why_not_here(); !why.empty()) GTEST_SKIP() << why;
    network_.emplace();
    network_->run("ip link add out type veth peer name in; ip link set out up; ip link set in up");
    struct stat found{};
    ASSERT_EQ(stat(network_->path().c_str(), &found), 0);
    auto opened = EventRing::open(static_cast<std::uint32_t>(found.st_ino),
                                  {.index = 5, .tracked4 = 1, .tracked6 = 1, .unused = 0});
    ASSERT_TRUE(opened) << opened.error().message;
    ring_.emplace(std::move(*opened));
    const auto attached = ring_->programs().attach_tracepoints();
    ASSERT_TRUE(attached) << attached.error().message;
  }

  static void send(int socket, unsigned device, const MadePacket& packet) {
    const bool v4 = packet.flow.source.address.family() == Family::kIpv4;
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(v4 ? ETH_P_IP : ETH_P_IPV6);
    to.sll_ifindex = static_cast<int>(device);
    to.sll_halen = 6;
    to.sll_addr[0] = 2;  // of nobody
    const auto sent =
        sendto(socket, packet.bytes.data(), packet.bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    EXPECT_EQ(sent, static_cast<ssize_t>(packet.bytes.size())) << std::strerror(errno);
  }

  // All events of what was sent before: those up to a last packet's, which is known to be seen to the end.
  std::vector<abi::hop_event> events_before_marker(int socket, unsigned device) {
    const auto marker = PacketOwner::of_case(kMarker, Family::kIpv4);
    send(socket, device, make_message("udp-request", marker));
    std::vector<abi::hop_event> all;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      for (const auto& event : ring_->take(100)) {
        if (event.probe != marker.id) all.push_back(event);
        if (event.probe == marker.id && event.kind == abi::HOP_DROPPED) return all;
      }
    }
    ADD_FAILURE() << "the marker was not seen";
    return all;
  }

  void try_case(const PacketCase& each, const PacketOwner& owner, int socket, unsigned device) {
    for (const auto& before : each.packet.first) send(socket, device, make_message(before, owner));
    [[maybe_unused]] const auto earlier = events_before_marker(socket, device);
    const auto packet = make_packet(each.packet, owner);
    send(socket, device, packet);
    const auto events = events_before_marker(socket, device);
    std::size_t expected = 0;
    for (const auto& at : kAtDevices) {
      SCOPED_TRACE(at.program);
      const auto seen = each.expected_of(at.program);
      const auto event = std::ranges::find(events, at.kind, &abi::hop_event::kind);
      ASSERT_EQ(event != events.end(), seen != Seen::kNo);
      if (seen == Seen::kNo) continue;
      ++expected;
      expect_event(*event, packet, owner.id, seen);
      EXPECT_EQ(event->place, 5U);
      EXPECT_STREQ(event->device, at.device);
      EXPECT_EQ(event->ct_info, abi::HOP_CT_NONE);
      EXPECT_EQ(event->location != 0, at.kind == abi::HOP_DROPPED);
    }
    EXPECT_EQ(events.size(), expected) << "each is told once";
  }

  std::optional<Namespace> network_;
  std::optional<EventRing> ring_;
};

TEST_F(DevicePrograms, every_packet_is_told_or_passed_over_as_the_cases_say) {
  const auto cases = read_packet_cases(data_file("packets.yaml"));
  ASSERT_FALSE(cases.empty());
  const auto done = io::in_network_namespace(network_->path(), [&]() -> Status {
    cpu_set_t one;  // packets of one processor keep their order
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
    sched_setaffinity(0, sizeof one, &one);
    const auto socket = io::open_socket(AF_PACKET, SOCK_DGRAM, 0);
    if (!socket) return std::unexpected(socket.error());
    const auto device = if_nametoindex("out");
    for (std::size_t i = 0; i < cases.size(); ++i) {
      for (const auto family : cases[i].families) {
        SCOPED_TRACE(cases[i].name + ", " + std::string(to_string(family)));
        try_case(cases[i], PacketOwner::of_case(i, family), socket->get(), device);
      }
    }
    return {};
  });
  EXPECT_TRUE(done) << done.error().message;
}

}  // namespace
}  // namespace conntruth::tests
