// Whole packets, byte by byte. The bytes were made by a separate Python script with struct, its own ones' complement
// sum and a bitwise CRC32c; nothing of them came from the code under test.
#include <gtest/gtest.h>

#include "common/wire/packet.hpp"
#include "common/wire/sctp_probe.hpp"

namespace conntruth::wire {
namespace {

std::vector<std::uint8_t> from_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string(text.substr(at, 2)), nullptr, 16)));
  }
  return bytes;
}

Endpoints flow(const char* source, const char* destination) {
  return {.source = {*IpAddress::parse(source), 12345}, .destination = {*IpAddress::parse(destination), 80}};
}

std::vector<std::uint8_t> built(const std::array<std::uint8_t, kMaxPacket>& bytes, std::size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(Golden, udp_over_ipv4) {
  std::array<std::uint8_t, kMaxPacket> bytes{};
  const std::string_view text = "conntruth";
  const Bytes payload(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  const auto size = build_udp(bytes, flow("10.244.1.10", "10.96.0.10"), payload);
  EXPECT_EQ(built(bytes, size), from_hex("4500002500004000401124610af4010a0a60000a"
                                         "3039005000119516636f6e6e7472757468"));
}

TEST(Golden, tcp_over_ipv6) {
  std::array<std::uint8_t, kMaxPacket> bytes{};
  const auto size = build_tcp(bytes, flow("fd44:0:0:1::a", "fd00:96::a"),
                              {.sequence = 0x11223344,
                               .acknowledgement = 0x55667788,
                               .flags = tcp::kSyn | tcp::kAck,
                               .window = 0x1000,
                               .options = {}});
  EXPECT_EQ(built(bytes, size), from_hex("6000000000140640fd44000000000001000000000000000a"
                                         "fd00009600000000000000000000000a"
                                         "3039005011223344556677885012100063040000"));
}

TEST(Golden, sctp_abort_over_ipv6) {
  std::array<std::uint8_t, kMaxPacket> bytes{};
  const auto size = build_abort(bytes, flow("fd44:0:0:1::a", "fd00:96::a"), 0x01020304);
  EXPECT_EQ(built(bytes, size), from_hex("6000000000108440fd44000000000001000000000000000a"
                                         "fd00009600000000000000000000000a"
                                         "303900500102030427df6f1006000004"));
}

}  // namespace
}  // namespace conntruth::wire
