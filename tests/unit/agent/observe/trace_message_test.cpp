// Messages of nf_tables' trace, made by hand: every kind, and bytes that lie.
#include "agent/observe/trace_message.hpp"

#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <bit>
#include <random>

namespace conntruth::observe {
namespace {

using Bytes = std::vector<std::uint8_t>;

// 10.1.0.2:40000 > 10.96.0.10:80 of UDP, with the first twelve bytes of a probe of task 7.
Bytes ipv4(std::uint8_t protocol) {
  return {0x45, 0, 0, 92, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 1, 0, 2, 10, 96, 0, 10};
}
const Bytes kUdp = {0x9C, 0x40, 0, 80, 0, 72, 0, 0, 0x63, 0x74, 0x70, 0xA7, 1, 1, 0, 0, 0, 0, 0, 7};

class Message {
 public:
  explicit Message(std::uint32_t type, std::uint8_t family = NFPROTO_INET,
                   std::uint16_t kind = NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_TRACE) {
    header_ = mnl_nlmsg_put_header(buffer_.data());
    header_->nlmsg_type = kind;
    auto* extra = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(nfgenmsg)));
    extra->nfgen_family = family;
    mnl_attr_put_u32(header_, NFTA_TRACE_TYPE, htonl(type));
    mnl_attr_put_u32(header_, NFTA_TRACE_ID, htonl(0x022774AF));
    mnl_attr_put_strz(header_, NFTA_TRACE_TABLE, "planted");
    mnl_attr_put_strz(header_, NFTA_TRACE_CHAIN, "forward");
  }
  Message& handle(std::uint64_t number) {
    mnl_attr_put_u64(header_, NFTA_TRACE_RULE_HANDLE, std::byteswap(number));
    return *this;
  }
  Message& verdict(std::uint32_t code, const char* chain = nullptr) {
    auto* nest = mnl_attr_nest_start(header_, NFTA_TRACE_VERDICT);
    mnl_attr_put_u32(header_, NFTA_VERDICT_CODE, htonl(code));
    if (chain != nullptr) mnl_attr_put_strz(header_, NFTA_VERDICT_CHAIN, chain);
    mnl_attr_nest_end(header_, nest);
    return *this;
  }
  Message& number(std::uint16_t attribute, std::uint32_t value) {
    mnl_attr_put_u32(header_, attribute, htonl(value));
    return *this;
  }
  Message& packet(const Bytes& network, const Bytes& transport) {
    mnl_attr_put(header_, NFTA_TRACE_NETWORK_HEADER, network.size(), network.data());
    mnl_attr_put(header_, NFTA_TRACE_TRANSPORT_HEADER, transport.size(), transport.data());
    return *this;
  }
  [[nodiscard]] Bytes bytes() const { return {buffer_.begin(), buffer_.begin() + header_->nlmsg_len}; }

 private:
  static std::uint32_t htonl(std::uint32_t value) { return std::byteswap(value); }
  alignas(8) std::array<std::uint8_t, 2048> buffer_{};
  nlmsghdr* header_;
};

std::uint32_t code(std::int32_t verdict) { return std::bit_cast<std::uint32_t>(verdict); }

TraceEvent read_one(const Message& message) {
  const auto events = read_trace_events(message.bytes());
  EXPECT_TRUE(events) << events.error().message;
  if (!events || events->size() != 1) return {};
  return events->front();
}

TEST(TraceMessage, a_rule_that_drops_is_read_with_table_chain_and_handle) {
  const auto event = read_one(Message(NFT_TRACETYPE_RULE).handle(4).verdict(NF_DROP).number(NFTA_TRACE_MARK, 0x4000));
  EXPECT_EQ(event.packet_id, 0x022774AFU);
  EXPECT_EQ(event.table, "inet planted");
  EXPECT_EQ(event.chain, "forward");
  EXPECT_EQ(event.handle, 4U);
  EXPECT_EQ(event.event, RuleEvent::kRule);
  EXPECT_EQ(event.verdict, RuleVerdict::kDrop);
  EXPECT_EQ(event.mark, 0x4000U);
  EXPECT_FALSE(event.packet);
}

TEST(TraceMessage, verdicts_are_told_apart) {
  const std::vector<std::pair<std::uint32_t, RuleVerdict>> cases = {
      {NF_DROP, RuleVerdict::kDrop},
      {0x00020000U | NF_DROP, RuleVerdict::kDrop},  // with a reason, as newer kernels have it
      {NF_ACCEPT, RuleVerdict::kAccept},
      {NF_QUEUE, RuleVerdict::kOther},
      {code(NFT_CONTINUE), RuleVerdict::kContinue},
      {code(NFT_JUMP), RuleVerdict::kJump},
      {code(NFT_GOTO), RuleVerdict::kGoto},
      {code(NFT_RETURN), RuleVerdict::kReturn}};
  for (const auto& [number, verdict] : cases)
    EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RULE).handle(1).verdict(number)).verdict, verdict) << number;
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RULE).handle(1).verdict(code(NFT_GOTO), "services")).to, "services");
}

TEST(TraceMessage, the_end_of_a_chain_and_a_policy_are_no_rules) {
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RETURN).verdict(code(NFT_CONTINUE))).event, RuleEvent::kEnd);
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RULE).verdict(code(NFT_CONTINUE))).event, RuleEvent::kEnd);
  const auto policy = read_one(Message(NFT_TRACETYPE_POLICY).number(NFTA_TRACE_POLICY, NF_DROP));
  EXPECT_EQ(policy.event, RuleEvent::kPolicy);
  EXPECT_EQ(policy.verdict, RuleVerdict::kDrop);
}

TEST(TraceMessage, families_of_tables_are_nft_s_words) {
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RETURN, NFPROTO_IPV4)).table, "ip planted");
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RETURN, NFPROTO_IPV6)).table, "ip6 planted");
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RETURN, NFPROTO_BRIDGE)).table, "bridge planted");
}

TEST(TraceMessage, the_quoted_headers_tell_flow_and_a_half_of_the_id) {
  const auto udp = read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv4(17), kUdp));
  ASSERT_TRUE(udp.packet);
  EXPECT_EQ(udp.packet->protocol, Protocol::kUdp);
  EXPECT_EQ(udp.packet->source.to_string(), "10.1.0.2:40000");
  EXPECT_EQ(udp.packet->destination.to_string(), "10.96.0.10:80");
  EXPECT_EQ(udp.packet->task, 7U);
  EXPECT_FALSE(udp.packet->sequence);
  Bytes syn = {0x9C, 0x40, 0, 80, 0, 0, 0, 9, 0, 0, 0, 5, 0xB0, 0x02, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv4(6), syn)).packet->sequence, 9U);
  syn[13] = 0x12;
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv4(6), syn)).packet->sequence, 4U);
  syn[13] = 0x18;
  EXPECT_FALSE(read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv4(6), syn)).packet->sequence);
  const Bytes init = {0x9C, 0x40, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 92, 0, 0, 0, 9};
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv4(132), init)).packet->sequence, 8U);
}

TEST(TraceMessage, an_icmp_error_has_addresses_and_no_ports) {
  const auto event = read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv4(1), Bytes(20)));
  ASSERT_TRUE(event.packet);
  EXPECT_FALSE(event.packet->protocol);
  EXPECT_EQ(event.packet->source.to_string(), "10.1.0.2:0");
}

TEST(TraceMessage, ipv6_is_read_too_and_what_is_neither_is_no_packet) {
  Bytes ipv6(40);
  ipv6[0] = 0x60;
  ipv6[6] = 17;
  ipv6[8] = ipv6[24] = 0xFD;
  ipv6[23] = 2;
  ipv6[39] = 0x0A;
  EXPECT_EQ(read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv6, kUdp)).packet->source.to_string(), "[fd00::2]:40000");
  EXPECT_FALSE(read_one(Message(NFT_TRACETYPE_RETURN).packet(Bytes(40), kUdp)).packet);
  EXPECT_FALSE(read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv4(47), kUdp)).packet);
  EXPECT_FALSE(read_one(Message(NFT_TRACETYPE_RETURN).packet(ipv4(17), {1, 2, 3})).packet);
  EXPECT_FALSE(read_one(Message(NFT_TRACETYPE_RETURN).packet({0x45}, kUdp)).packet);
}

TEST(TraceMessage, other_messages_are_passed_over) {
  auto bytes = Message(NFT_TRACETYPE_RETURN, NFPROTO_INET, NLMSG_DONE).bytes();
  const auto more = Message(NFT_TRACETYPE_RETURN).bytes();
  bytes.insert(bytes.end(), more.begin(), more.end());
  const auto events = read_trace_events(bytes);
  ASSERT_TRUE(events);
  EXPECT_EQ(events->size(), 1U);
  EXPECT_TRUE(read_trace_events({})->empty());
}

TEST(TraceMessage, what_is_cut_short_or_of_no_known_type_is_an_error) {
  EXPECT_FALSE(read_trace_events(Message(9).bytes()));
  const auto whole = Message(NFT_TRACETYPE_RULE).handle(4).verdict(NF_DROP).packet(ipv4(17), kUdp).bytes();
  for (std::size_t size = 1; size < whole.size(); ++size)
    EXPECT_FALSE(read_trace_events(std::span(whole).first(size))) << size;
}

TEST(TraceMessage, damaged_bytes_never_crash_it) {
  std::mt19937 random(42);
  const auto whole = Message(NFT_TRACETYPE_RULE).handle(4).verdict(code(NFT_JUMP), "x").packet(ipv4(17), kUdp).bytes();
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = whole;
    for (unsigned change = 0; change <= random() % 4U; ++change)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    if (!read_trace_events(bytes)) ++refused;
  }
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace conntruth::observe
