// Steps of the packet filter, there and back, and as somebody else's agent could send them.
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

RuleStep make_rule() {
  return {.probe = probe_id(7, 9),
          .answer = true,
          .order = 4'000'000'000,
          .place = "node-1-pod-0",
          .protocol = Protocol::kSctp,
          .source = {address("fd44:0:0:1::a"), 40'000},
          .destination = {address("fd00:96::1"), 80},
          .hook = NetfilterHook::kPostrouting,
          .priority = -2'147'483'647,
          .nat = true,
          .event = RuleEvent::kMiss,
          .verdict = RuleVerdict::kGoto,
          .to = "service-X",
          .table = "ip kube-proxy",
          .chain = "services",
          .handle = std::numeric_limits<std::uint64_t>::max(),
          .text = "no element 10.96.0.10 . tcp . 80 in map service-ips",
          .mark = 0xFFFFFFFF};
}

TEST(RuleCodec, rules_come_back_as_they_were) {
  auto batch = support::make_batch(1, 2);
  RuleStep bare;
  bare.probe = std::numeric_limits<std::uint64_t>::max();
  batch.rules = {make_rule(), bare, make_rule()};
  const auto decoded = decode_batch(encode_batch(batch));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, batch);
}

std::string decoded_error(const std::function<void(v1::ResultBatch&)>& change) {
  auto original = support::make_batch(2, 2);
  original.rules = {make_rule()};
  v1::AgentMessage message;
  message.ParseFromString(encode_batch(original));
  change(*message.mutable_batch());
  const auto decoded = decode_batch(message.SerializeAsString());
  return decoded ? "" : decoded.error().message;
}

TEST(RuleCodec, every_kind_of_damage_is_named) {
  using Batch = v1::ResultBatch;
  const std::vector<std::pair<std::function<void(Batch&)>, std::string>> cases = {
      {[](Batch& b) { b.add_rules(); }, "rules: event"},
      {[](Batch& b) { b.mutable_rules(0)->set_event(static_cast<v1::RuleEvent>(5)); }, "rules: event"},
      {[](Batch& b) { b.mutable_rules(0)->set_verdict(static_cast<v1::RuleVerdict>(8)); }, "rules: verdict"},
      {[](Batch& b) { b.mutable_rules(0)->set_protocol(v1::PROTOCOL_UNSPECIFIED); }, "rules: protocol"},
      {[](Batch& b) { b.mutable_rules(0)->set_hook(5); }, "rules: hook"},
      {[](Batch& b) { b.mutable_rules(0)->set_text(99); }, "rules: text"},
      {[](Batch& b) { b.mutable_rules(0)->set_source(999); }, "rules: source"},
      {[](Batch& b) {
         while (b.rules_size() <= 65536) *b.add_rules() = b.rules(0);
       },
       "rules: more than"},
  };
  EXPECT_EQ(decoded_error([](Batch&) {}), "");
  for (std::size_t i = 0; i < cases.size(); ++i)
    EXPECT_NE(decoded_error(cases[i].first).find(cases[i].second), std::string::npos) << "case " << i;
}

}  // namespace
}  // namespace conntruth::codec
