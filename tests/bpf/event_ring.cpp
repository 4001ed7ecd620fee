#include "tests/bpf/event_ring.hpp"

#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/observe/walk.hpp"

namespace conntruth::tests {

namespace {

constexpr std::size_t kRingBytes = std::size_t{1} << 18U;

std::string text_of(const abi::u8 (&address)[16], std::uint16_t port, std::uint8_t family) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address, bytes.begin());
  const auto v4 = IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  return SocketAddress{family == 4 ? v4 : IpAddress::v6(bytes), port}.to_string();
}

}  // namespace

void EventRing::Free::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

Result<EventRing> EventRing::open(std::uint32_t inode, const abi::walk_place& place) {
  const auto types = observe::KernelTypes::load();
  if (!types) return std::unexpected(types.error());
  auto programs = observe::WalkPrograms::load(*types, kRingBytes);
  if (!programs) return std::unexpected(programs.error());
  EventRing ring(std::move(*programs));
  const auto take = [](void* to, void* data, std::size_t size) {
    abi::hop_event event{};
    std::memcpy(&event, data, std::min(size, sizeof event));
    const bool at_device = event.kind == abi::HOP_DEVICE_IN || event.kind == abi::HOP_DEVICE_OUT;
    EXPECT_EQ(size, at_device ? sizeof(abi::packet_event) : sizeof event);
    static_cast<std::vector<abi::hop_event>*>(to)->push_back(event);
    return 0;
  };
  ring.ring_.reset(ring_buffer__new(ring.programs_.ring(), take, ring.events_.get(), nullptr));
  if (!ring.ring_) return fail_errno("map the ring of events", errno);
  if (auto added = ring.programs_.add_place(inode, place); !added) return std::unexpected(added.error());
  return ring;
}

std::vector<abi::hop_event> EventRing::take(int milliseconds) {
  ring_buffer__consume(ring_.get());
  if (events_->empty() && milliseconds > 0) ring_buffer__poll(ring_.get(), milliseconds);
  return std::exchange(*events_, {});
}

void expect_event(const abi::hop_event& event, const MadePacket& packet, ProbeId id, Seen seen) {
  const auto family = packet.flow.source.address.family() == Family::kIpv4 ? 4 : 6;
  EXPECT_EQ(event.probe, id);
  EXPECT_EQ(event.answer, seen == Seen::kAnswer ? 1 : 0);
  EXPECT_EQ(event.flow.family, family);
  EXPECT_EQ(event.flow.protocol, packet.protocol);
  EXPECT_EQ(text_of(event.flow.source, event.flow.source_port, event.flow.family), packet.flow.source.to_string());
  EXPECT_EQ(text_of(event.flow.destination, event.flow.destination_port, event.flow.family),
            packet.flow.destination.to_string());
  EXPECT_EQ(event.icmp_type, packet.icmp.type);
  EXPECT_EQ(event.icmp_code, packet.icmp.code);
  EXPECT_EQ(event.original.family, 0) << "connection tracking never saw it";
  EXPECT_EQ(event.reply.family, 0);
  EXPECT_GT(event.at_ns, 0U);
}

std::string why_not_here() {
  if (geteuid() != 0) return "needs root";
  const auto may = observe::PacketWalk::available();
  return may ? "" : may.error().message;
}

}  // namespace conntruth::tests
