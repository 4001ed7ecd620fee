// Captures, read back block by block as the format has them.
#include "controller/bundle/pcapng.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace conntruth::bundle {
namespace {

struct Block {
  std::uint32_t type = 0;
  std::string body;
};

std::uint32_t u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

std::vector<Block> blocks_of(std::string_view file) {
  std::vector<Block> blocks;
  while (file.size() >= 12) {
    const auto size = u32(file, 4);
    EXPECT_EQ(size % 4, 0U);
    EXPECT_LE(size, file.size());
    EXPECT_EQ(u32(file, size - 4), size);
    blocks.push_back({u32(file, 0), std::string(file.substr(8, size - 12))});
    file.remove_prefix(size);
  }
  EXPECT_TRUE(file.empty());
  return blocks;
}

// An IPv4 header that says how long its packet is, and some bytes.
std::string packet(std::uint8_t length, std::size_t size) {
  std::string bytes(size, 'x');
  bytes[0] = 0x45;
  bytes[2] = 0;
  bytes[3] = static_cast<char>(length);
  return bytes;
}

evidence::Step step(const std::string& node, const std::string& place, const std::string& device, std::int64_t at_ns,
                    std::string bytes, HopKind kind = HopKind::kDeviceIn) {
  evidence::Step step{node, {}};
  step.hop.probe = probe_id(7, 9);
  step.hop.kind = kind;
  step.hop.place = place;
  step.hop.device = device;
  step.hop.at_ns = at_ns;
  step.hop.packet = std::move(bytes);
  return step;
}

TEST(Pcapng, each_device_is_an_interface_and_packets_come_by_date) {
  const auto file = to_pcapng({step("node-2", "", "eth0", 50, packet(28, 28)),
                               step("node-1", "node-1-pod-0", "eth0", 10, packet(28, 28), HopKind::kDeviceOut),
                               step("node-1", "", "veth1", 20, packet(28, 28)), step("node-1", "", "veth1", 30, "")},
                              {{"node-1", 1'000}, {"node-2", 965}});
  const auto blocks = blocks_of(file);
  ASSERT_EQ(blocks.size(), 7U);
  EXPECT_EQ(blocks[0].type, 0x0A0D0D0AU);
  EXPECT_EQ(u32(blocks[0].body, 0), 0x1A2B3C4DU);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(blocks[i].type, 1U);
    EXPECT_EQ(u32(blocks[i].body, 0), 113U);  // Linux cooked, and two zeros
  }
  EXPECT_NE(blocks[1].body.find("node-1:veth1"), std::string::npos);
  EXPECT_NE(blocks[2].body.find("eth0 of pod node-1-pod-0 on node node-1"), std::string::npos);
  EXPECT_NE(blocks[3].body.find("node-2:eth0"), std::string::npos);
  const auto interface_and_date = [&](std::size_t i) {
    return std::pair(u32(blocks[i].body, 0), u32(blocks[i].body, 8));
  };
  EXPECT_EQ(interface_and_date(4), std::pair(1U, 1'010U));
  EXPECT_EQ(interface_and_date(5), std::pair(2U, 1'015U));
  EXPECT_EQ(interface_and_date(6), std::pair(0U, 1'020U));
  EXPECT_NE(blocks[4].body.find("probe 7/9"), std::string::npos);
}

TEST(Pcapng, a_packet_that_was_not_read_whole_has_its_own_length) {
  const auto blocks = blocks_of(to_pcapng({step("n", "", "eth0", 1, packet(60, 29))}, {}));
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(u32(blocks[2].body, 12), 16U + 29U);
  EXPECT_EQ(u32(blocks[2].body, 16), 16U + 60U);
  EXPECT_EQ(blocks[2].body.substr(20, 16), std::string("\0\0\0\1\0\0\0\0\0\0\0\0\0\0\x08\0", 16)) << "came in, IPv4";
  EXPECT_EQ(blocks[2].body.substr(36, 29), packet(60, 29));
}

TEST(Pcapng, bytes_that_are_no_packet_are_kept_as_they_are) {
  for (const auto* bytes : {"", "x", "\x60 only a few bytes of it"}) {
    const auto blocks = blocks_of(to_pcapng({step("n", "", "d", 1, bytes)}, {}));
    EXPECT_EQ(blocks.size(), *bytes == '\0' ? 1U : 3U);
  }
}

}  // namespace
}  // namespace conntruth::bundle
