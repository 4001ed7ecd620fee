#include "agent/observe/hop_reader.hpp"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "agent/observe/walk_programs.hpp"
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

// ---- the layout as the programs were compiled ----

struct Closer {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

class Layout : public testing::Test {
 protected:
  void SetUp() override {
    const auto bytes = walk_object();
    object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
    ASSERT_TRUE(object_);
    types_ = bpf_object__btf(object_.get());
  }
  // Of a member, in bytes; -1 where there is none.
  [[nodiscard]] long offset(const char* type_name, std::string_view member) const {
    const auto id = btf__find_by_name_kind(types_, type_name, BTF_KIND_STRUCT);
    if (id < 0) return -1;
    const auto* type = btf__type_by_id(types_, static_cast<std::uint32_t>(id));
    for (std::uint32_t i = 0; i < btf_vlen(type); ++i) {
      if (member == btf__name_by_offset(types_, btf_members(type)[i].name_off))
        return static_cast<long>(btf_member_bit_offset(type, i) / 8U);
    }
    return -1;
  }
  [[nodiscard]] long size(const char* type_name) const {
    const auto id = btf__find_by_name_kind(types_, type_name, BTF_KIND_STRUCT);
    return id < 0 ? -1 : static_cast<long>(btf__type_by_id(types_, static_cast<std::uint32_t>(id))->size);
  }

  std::unique_ptr<bpf_object, Closer> object_;
  const btf* types_ = nullptr;
};

TEST_F(Layout, both_sides_have_the_same_event) {
  EXPECT_EQ(size("hop_event"), static_cast<long>(sizeof(abi::hop_event)));
  EXPECT_EQ(size("hop_flow"), static_cast<long>(sizeof(abi::hop_flow)));
  EXPECT_EQ(size("walk_place"), static_cast<long>(sizeof(abi::walk_place)));
#define SAME(type, member) EXPECT_EQ(offset(#type, #member), static_cast<long>(offsetof(abi::type, member))) << #member
  SAME(hop_event, at_ns);
  SAME(hop_event, probe);
  SAME(hop_event, location);
  SAME(hop_event, place);
  SAME(hop_event, reason);
  SAME(hop_event, priority);
  SAME(hop_event, ct_status);
  SAME(hop_event, ct_mark);
  SAME(hop_event, ct_zone);
  SAME(hop_event, kind);
  SAME(hop_event, answer);
  SAME(hop_event, hook);
  SAME(hop_event, ct_info);
  SAME(hop_event, icmp_type);
  SAME(hop_event, icmp_code);
  SAME(hop_event, device);
  SAME(hop_event, flow);
  SAME(hop_event, original);
  SAME(hop_event, reply);
  SAME(hop_flow, source_port);
  SAME(hop_flow, destination_port);
  SAME(hop_flow, source);
  SAME(hop_flow, destination);
  SAME(walk_place, index);
  SAME(walk_place, tracked4);
  SAME(walk_place, tracked6);
#undef SAME
  EXPECT_EQ(offset("hop_event", "no such member"), -1);
}

}  // namespace
}  // namespace conntruth::observe
