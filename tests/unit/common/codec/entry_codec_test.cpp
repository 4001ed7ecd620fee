// Lives of entries of connection tracking, rulesets and packets, there and back, and as somebody else could send them.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "common/codec/session_codec.hpp"
#include "conntruth/v1/session.pb.h"
#include "tests/support/make_batch.hpp"

namespace conntruth::codec {
namespace {

using support::address;

Result<ResultBatch> decode_batch(std::string_view bytes) {
  auto message = decode_agent_message(bytes);
  if (!message) return std::unexpected(message.error());
  return std::get<ResultBatch>(*message);
}

EntryLife make_life() {
  return {.place = "node-1-pod-0",
          .id = 4'000'000'000,
          .protocol = Protocol::kSctp,
          .original_source = {address("fd44:0:0:1::a"), 40'000},
          .original_destination = {address("fd00:96::1"), 80},
          .reply_source = {address("fd44:0:0:2::a"), 5000},
          .reply_destination = {address("fd44:0:0:1::a"), 40'000},
          .status = 0x1AE,
          .mark = 0xFFFFFFFF,
          .zone = 65'535,
          .timeout_s = 120,
          .before = true,
          .after = true,
          .created_ns = std::numeric_limits<std::int64_t>::max(),
          .updated_ns = -1,
          .updates = 3,
          .destroyed_ns = 7,
          .end = EntryEnd::kUnseen,
          .remover = 712,
          .remover_name = "kube-proxy (712)",
          .others = 9,
          .gaps = true};
}

Ruleset make_ruleset() {
  return {.place = "node-1-pod-0",
          .at_ns = 5,
          .unix_ns = 1'700'000'000'000'000'000,
          .text_bytes = 1ULL << 40U,
          .text_zstd = std::string("\x28\xB5\x00\xFF", 4),
          .error = "cut"};
}

ResultBatch make() {
  auto batch = support::make_batch(1, 2);
  Hop hop;
  hop.kind = HopKind::kDeviceIn;
  hop.packet = std::string("\x45\0\0\x1C", 4) + std::string(24, '\xFF');
  batch.hops = {hop};
  batch.entries = {make_life(), {}};
  batch.rulesets = {make_ruleset(), {}};
  return batch;
}

TEST(EntryCodec, all_come_back_as_they_were) {
  const auto decoded = decode_batch(encode_batch(make()));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, make());
}

TEST(EntryCodec, a_packet_is_cut_at_its_bound) {
  auto batch = make();
  batch.hops.front().packet.assign(1000, 'x');
  const auto decoded = decode_batch(encode_batch(batch));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->hops.front().packet, std::string(256, 'x'));
}

TEST(EntryCodec, damage_is_refused_by_the_field_s_name) {
  const auto refused = [](const std::function<void(v1::ResultBatch&)>& damage, std::string_view field) {
    v1::AgentMessage message;
    EXPECT_TRUE(message.ParseFromString(encode_batch(make())));
    damage(*message.mutable_batch());
    const auto decoded = decode_batch(message.SerializeAsString());
    return !decoded && decoded.error().message.find(field) != std::string::npos;
  };
  EXPECT_TRUE(refused([](auto& b) { b.mutable_entries(0)->set_place(1000); }, "place"));
  EXPECT_TRUE(refused([](auto& b) { b.mutable_entries(0)->set_protocol(v1::PROTOCOL_UNSPECIFIED); }, "protocol"));
  EXPECT_TRUE(refused([](auto& b) { b.mutable_entries(0)->set_zone(65'536); }, "zone"));
  EXPECT_TRUE(refused([](auto& b) { b.mutable_entries(0)->set_end(v1::EntryEnd(99)); }, "end"));
  EXPECT_TRUE(refused([](auto& b) { b.mutable_entries(0)->set_reply_source(1000); }, "reply_source"));
  EXPECT_TRUE(refused([](auto& b) { b.mutable_rulesets(0)->set_place("\n"); }, "place"));
  EXPECT_TRUE(refused([](auto& b) { b.mutable_rulesets(0)->set_error(std::string(2000, 'x')); }, "error"));
  EXPECT_TRUE(
      refused([](auto& b) { b.mutable_rulesets(0)->set_text_zstd(std::string((16U << 20U) + 1, 'x')); }, "text_zstd"));
  EXPECT_TRUE(refused([](auto& b) { b.mutable_hops(0)->set_packet(std::string(257, 'x')); }, "packet"));
  EXPECT_TRUE(refused(
      [](auto& b) {
        while (b.entries_size() <= 65536) *b.add_entries() = b.entries(0);
      },
      "entries"));
  EXPECT_TRUE(refused(
      [](auto& b) {
        while (b.rulesets_size() <= 1024) *b.add_rulesets() = b.rulesets(1);
      },
      "rulesets"));
}

}  // namespace
}  // namespace conntruth::codec
