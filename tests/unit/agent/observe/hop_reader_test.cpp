#include "agent/observe/hop_reader.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "bpf/abi/hop_event.h"

namespace conntruth::observe {
namespace {

using Bytes = std::vector<std::uint8_t>;

HopNames names() {
  return {.places = {"", "node-1-pod-0"},
          .reason = [](std::uint32_t reason) { return reason == 8 ? "NETFILTER_DROP" : ""; },
          .function = [](std::uint64_t address) { return address == 0xFFFFFFFF81000010 ? "nft_do_chain" : ""; }};
}

abi::hop_event make_event() {
  abi::hop_event event{};
  event.at_ns = 17;
  event.probe = probe_id(7, 9);
  event.location = 0xFFFFFFFF81000010;
  event.place = 1;
  event.reason = 8;
  event.kind = abi::HOP_DROPPED;
  event.ct_info = abi::HOP_CT_NEW;
  event.ct_status = 0x20;
  std::strcpy(event.device, "eth0");
  event.flow = {.family = 4,
                .protocol = 17,
                .source_port = 40'000,
                .destination_port = 80,
                .unused = 0,
                .source = {10, 1, 0, 2},
                .destination = {10, 96, 0, 10}};
  event.original = event.flow;
  event.reply = {.family = 4,
                 .protocol = 17,
                 .source_port = 8080,
                 .destination_port = 40'000,
                 .unused = 0,
                 .source = {10, 2, 0, 2},
                 .destination = {10, 1, 0, 2}};
  return event;
}

Bytes bytes_of(const abi::hop_event& event) {
  Bytes bytes(sizeof event);
  std::memcpy(bytes.data(), &event, sizeof event);
  return bytes;
}

TEST(HopReader, an_event_is_read_with_the_node_s_names) {
  const auto hop = read_hop(bytes_of(make_event()), names());
  ASSERT_TRUE(hop) << hop.error().message;
  EXPECT_EQ(hop->probe, probe_id(7, 9));
  EXPECT_EQ(hop->kind, HopKind::kDropped);
  EXPECT_EQ(hop->place, "node-1-pod-0");
  EXPECT_EQ(hop->device, "eth0");
  EXPECT_EQ(hop->protocol, Protocol::kUdp);
  EXPECT_EQ(hop->destination.to_string(), "10.96.0.10:80");
  EXPECT_EQ(hop->reason, "NETFILTER_DROP");
  EXPECT_EQ(hop->function, "nft_do_chain");
  EXPECT_EQ(hop->conntrack.info, ConntrackInfo::kNew);
  EXPECT_EQ(hop->conntrack.original_destination.to_string(), "10.96.0.10:80");
  EXPECT_EQ(hop->conntrack.reply_source.to_string(), "10.2.0.2:8080");
}

TEST(HopReader, addresses_of_ipv6_are_whole) {
  auto event = make_event();
  event.flow.family = 6;
  std::ranges::fill(event.flow.source, 0xAB);
  const auto hop = read_hop(bytes_of(event), names());
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->source.address.to_string(), "abab:abab:abab:abab:abab:abab:abab:abab");
}

TEST(HopReader, a_reason_without_a_name_is_its_number_and_others_have_none) {
  auto event = make_event();
  event.reason = 65'537;
  event.location = 5;
  auto hop = read_hop(bytes_of(event), names());
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->reason, "65537");
  EXPECT_EQ(hop->function, "");
  event.kind = abi::HOP_HOOK;
  hop = read_hop(bytes_of(event), names());
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->reason, "");
}

TEST(HopReader, without_an_entry_there_are_no_tuples) {
  auto event = make_event();
  event.original = {};
  event.reply = {};
  event.ct_info = abi::HOP_CT_INVALID;
  const auto hop = read_hop(bytes_of(event), names());
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->conntrack.original_source, SocketAddress{});
  EXPECT_EQ(hop->conntrack.info, ConntrackInfo::kInvalid);
}

TEST(HopReader, a_device_that_fills_its_name_is_not_read_beyond) {
  auto event = make_event();
  std::ranges::fill(event.device, 'x');
  const auto hop = read_hop(bytes_of(event), names());
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->device, std::string(16, 'x'));
}

TEST(HopReader, what_no_program_writes_is_refused_by_its_name) {
  const auto refused = [](auto change, std::string_view what) {
    auto event = make_event();
    change(event);
    const auto hop = read_hop(bytes_of(event), names());
    return !hop && hop.error().message.find(what) != std::string::npos;
  };
  EXPECT_TRUE(refused([](auto& e) { e.kind = 0; }, "kind"));
  EXPECT_TRUE(refused([](auto& e) { e.kind = 7; }, "kind"));
  EXPECT_TRUE(refused([](auto& e) { e.place = 2; }, "namespace"));
  EXPECT_TRUE(refused([](auto& e) { e.flow.family = 5; }, "IPv4 nor IPv6"));
  EXPECT_TRUE(refused([](auto& e) { e.flow.protocol = 1; }, "protocol"));
  EXPECT_TRUE(refused([](auto& e) { e.hook = 5; }, "hook"));
  EXPECT_TRUE(refused([](auto& e) { e.ct_info = 7; }, "state"));
  EXPECT_TRUE(refused([](auto& e) { e.answer = 2; }, "answer"));
  EXPECT_TRUE(refused([](auto& e) { e.reply.family = 1; }, "entry"));
}

TEST(HopReader, an_event_that_is_cut_short_is_refused) {
  const auto whole = bytes_of(make_event());
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read_hop(std::span(whole).first(size), names()));
  EXPECT_TRUE(read_hop(whole, names()));
}

Bytes bytes_of(const abi::packet_event& event) {
  Bytes bytes(sizeof event);
  std::memcpy(bytes.data(), &event, sizeof event);
  return bytes;
}

TEST(HopReader, a_device_s_event_has_the_packet_s_bytes) {
  abi::packet_event event{};
  event.hop = make_event();
  event.hop.kind = abi::HOP_DEVICE_IN;
  std::strcpy(reinterpret_cast<char*>(event.bytes), "abcdef");
  event.size = 5;
  auto hop = read_hop(bytes_of(event), names());
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->packet, "abcde");
  event.size = 1'000'000;  // no program writes so many
  hop = read_hop(bytes_of(event), names());
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->packet.size(), 256U);
  event.hop.kind = abi::HOP_HOOK;
  hop = read_hop(bytes_of(event), names());
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->packet, "");
}

}  // namespace
}  // namespace conntruth::observe
