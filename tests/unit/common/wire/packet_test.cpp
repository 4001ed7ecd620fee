#include "common/wire/packet.hpp"

#include <gtest/gtest.h>

#include "common/wire/checksum.hpp"
#include "common/wire/probe_header.hpp"
#include "common/wire/sctp_probe.hpp"
#include "common/wire/tcp_probe.hpp"

namespace conntruth::wire {
namespace {

Endpoints flow_of(const char* source, const char* destination) {
  return {.source = {*IpAddress::parse(source), 12345}, .destination = {*IpAddress::parse(destination), 80}};
}
const Endpoints kFlow4 = flow_of("10.244.1.10", "10.96.0.10");
const Endpoints kFlow6 = flow_of("fd44:0:0:1::a", "fd00:96::a");

Endpoints reverse(const Endpoints& flow) { return {.source = flow.destination, .destination = flow.source}; }

struct Built {
  std::array<std::uint8_t, kMaxPacket> bytes{};
  std::size_t size = 0;
  [[nodiscard]] Bytes view() const { return Bytes(bytes).first(size); }
};

TEST(Checksum, matches_the_worked_example_of_rfc_1071) {
  const std::array<std::uint8_t, 8> data{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(internet_checksum(data), 0x220d);
}

TEST(Checksum, counts_an_odd_last_byte_as_the_high_half) {
  const std::array<std::uint8_t, 3> data{0x12, 0x34, 0x56};
  EXPECT_EQ(internet_checksum(data), static_cast<std::uint16_t>(~(0x1234 + 0x5600)));
}

TEST(Checksum, crc32c_matches_the_check_value_of_the_crc_catalogue) {
  const std::string_view digits = "123456789";
  EXPECT_EQ(crc32c(Bytes(reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size())), 0xE3069283U);
}

TEST(Checksum, crc32c_matches_the_zero_vector_of_rfc_3720) {
  EXPECT_EQ(crc32c(std::array<std::uint8_t, 32>{}), 0x8A9136AAU);
}

TEST(Packet, udp_comes_back_as_it_was_built_with_right_checksums) {
  const std::array<std::uint8_t, 5> payload{1, 2, 3, 4, 5};
  for (const auto& flow : {kFlow4, kFlow6}) {
    Built built;
    built.size = build_udp(built.bytes, flow, payload);
    const auto ip = parse_ip(built.view());
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->source, flow.source.address);
    EXPECT_EQ(ip->destination, flow.destination.address);
    EXPECT_EQ(transport_checksum(ip->source, ip->destination, ip->protocol, ip->payload), 0);
    const auto udp = parse_udp(ip->payload);
    ASSERT_TRUE(udp);
    EXPECT_EQ(udp->source_port, 12345);
    EXPECT_EQ(udp->destination_port, 80);
    EXPECT_TRUE(std::ranges::equal(udp->payload, payload));
  }
}

TEST(Packet, is_not_built_where_it_does_not_fit_or_families_differ) {
  std::array<std::uint8_t, 30> small{};
  EXPECT_EQ(build_udp(small, kFlow4, std::array<std::uint8_t, 3>{}), 0U);
  Built built;
  EXPECT_EQ(build_udp(built.bytes, {kFlow4.source, kFlow6.destination}, {}), 0U);
}

TEST(Packet, every_cut_of_a_packet_is_refused_or_parsed_within_bounds) {
  Built built;
  built.size = build_syn(built.bytes, kFlow4, 7);
  for (std::size_t size = 0; size < built.size; ++size) {
    const std::vector<std::uint8_t> cut(built.bytes.begin(), built.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    if (const auto ip = parse_ip(cut)) {
      const auto tcp = parse_tcp(ip->payload);
      EXPECT_FALSE(tcp && parse_syn(*tcp)) << size;
    }
  }
}

TEST(ProbeHeader, carries_id_and_identity) {
  for (const auto& flow : {kFlow4, kFlow6}) {
    const ProbeHeader header{
        .kind = ProbeKind::kAnswer,
        .crafted = true,
        .id = probe_id(3, 9),
        .identity = {.responder = 77, .seen_source = flow.source, .seen_destination = flow.destination}};
    EXPECT_EQ(decode_probe_header(encode(header)), header);
  }
}

TEST(ProbeHeader, any_damaged_bit_makes_it_invalid) {
  for (const bool kept : {false, true}) {
    const auto request = encode({.kind = ProbeKind::kRequest, .crafted = !kept, .kept = kept, .id = 5, .identity = {}});
    EXPECT_EQ(decode_probe_header(request)->kept, kept);
    EXPECT_EQ(decode_probe_header(request)->crafted, !kept);
  }
  const auto good = encode({.kind = ProbeKind::kRequest, .crafted = false, .id = 5, .identity = {}});
  ASSERT_TRUE(decode_probe_header(good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad.at(bit / 8) ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(decode_probe_header(bad)) << bit;
  }
}

TEST(TcpProbe, syn_carries_the_whole_id) {
  const auto id = probe_id(0xAABBCCDD, 0xFFFFFFFE);
  Built built;
  built.size = build_syn(built.bytes, kFlow6, id);
  EXPECT_EQ(parse_syn(*parse_tcp(parse_ip(built.view())->payload)), id);
}

TEST(TcpProbe, syn_ack_carries_identity_in_both_families) {
  const auto id = probe_id(12, 34);
  for (const auto& flow : {kFlow4, kFlow6}) {
    Built built;
    built.size = build_syn_ack(built.bytes, reverse(flow), id, 4242);
    const auto tcp = parse_tcp(parse_ip(built.view())->payload);
    ASSERT_TRUE(tcp);
    EXPECT_EQ(tcp->header.acknowledgement, 35U);
    const auto answer = parse_syn_ack(*tcp);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->id, id);
    EXPECT_EQ(answer->identity.responder, 4242U);
    EXPECT_EQ(answer->identity.seen_source, flow.source);
    if (flow.source.address.family() == Family::kIpv4) {
      EXPECT_EQ(answer->identity.seen_destination, flow.destination);
    }
  }
}

TEST(TcpProbe, a_plain_syn_ack_is_no_answer) {
  Built built;
  built.size =
      build_tcp(built.bytes, kFlow4,
                {.sequence = 1, .acknowledgement = 2, .flags = tcp::kSyn | tcp::kAck, .window = 1, .options = {}});
  EXPECT_FALSE(parse_syn_ack(*parse_tcp(parse_ip(built.view())->payload)));
}

TEST(SctpProbe, init_carries_the_id_and_a_right_checksum) {
  Built built;
  built.size = build_init(built.bytes, kFlow4, probe_id(1, 0));
  const auto ip = parse_ip(built.view());
  ASSERT_TRUE(ip);
  EXPECT_TRUE(sctp_checksum_is_right(ip->payload));
  const auto init = parse_init(*parse_sctp(ip->payload));
  ASSERT_TRUE(init);
  EXPECT_EQ(init->initiate_tag, 1U);
  EXPECT_EQ(init->id, probe_id(1, 0));
}

TEST(SctpProbe, init_ack_carries_identity_and_echoes_the_tag) {
  for (const auto& flow : {kFlow4, kFlow6}) {
    Built built;
    built.size = build_init_ack(built.bytes, reverse(flow), probe_id(8, 15), 3);
    const auto sctp = parse_sctp(parse_ip(built.view())->payload);
    ASSERT_TRUE(sctp);
    EXPECT_EQ(sctp->tag, tag_of(probe_id(8, 15)));
    const auto answer = parse_init_ack(*sctp);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->identity, (Identity{3, flow.source, flow.destination}));
  }
}

TEST(SctpProbe, abort_is_known) {
  Built built;
  built.size = build_abort(built.bytes, kFlow6, 99);
  const auto sctp = parse_sctp(parse_ip(built.view())->payload);
  ASSERT_TRUE(sctp);
  EXPECT_TRUE(is_abort(*sctp));
  EXPECT_EQ(sctp->tag, 99U);
}

TEST(IcmpError, gives_the_quoted_flow) {
  for (const auto& flow : {kFlow4, kFlow6}) {
    Built quoted;
    quoted.size = build_syn(quoted.bytes, flow, probe_id(1, 2));
    const bool v4 = flow.source.address.family() == Family::kIpv4;
    std::vector<std::uint8_t> message{
        v4 ? std::uint8_t{3} : std::uint8_t{1}, v4 ? std::uint8_t{3} : std::uint8_t{4}, 0, 0, 0, 0, 0, 0};
    message.insert(message.end(), quoted.view().begin(), quoted.view().end());
    const auto error = parse_icmp_error(flow.source.address.family(), message);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->flow, flow);
    EXPECT_EQ(error->protocol, 6);
    message.resize(v4 ? 8 + 20 + 8 : 8 + 40 + 8);  // the least that a router quotes
    EXPECT_TRUE(parse_icmp_error(flow.source.address.family(), message));
    message.pop_back();
    EXPECT_FALSE(parse_icmp_error(flow.source.address.family(), message));
  }
}

TEST(IcmpError, an_echo_reply_is_none) {
  std::vector<std::uint8_t> message(64, 0);
  EXPECT_FALSE(parse_icmp_error(Family::kIpv4, message));
}

}  // namespace
}  // namespace conntruth::wire
