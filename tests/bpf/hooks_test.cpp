// Every program at a netfilter hook, given every packet of packets.yaml by the kernel's test-run (BPF_PROG_TEST_RUN).
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "tests/bpf/event_ring.hpp"

namespace conntruth::tests {
namespace {

constexpr std::uint32_t kAccept = 1;  // NF_ACCEPT
constexpr std::size_t kEthernet = 14;
constexpr std::uint32_t kNoNamespace = 0;  // the test-run's packets are in none

// struct nf_hook_state of include/linux/netfilter.h: of it, the kernel takes the first two fields.
struct HookState {
  std::uint8_t hook;
  std::uint8_t family;
  std::array<std::uint8_t, 46> rest;
};

struct AtHook {
  const char* program;
  std::uint8_t hook;
  std::int32_t priority;
  bool tracked;  // it says "invalid" where connection tracking is at work and has no entry
};
constexpr std::array kAtHooks = {AtHook{"before_conntrack", 0, -201, false}, AtHook{"after_conntrack", 2, -199, true},
                                 AtHook{"after_dnat", 0, -99, true}, AtHook{"after_snat", 4, 101, true}};

class HookPrograms : public testing::TestWithParam<AtHook> {
 protected:
  void SetUp() override {
    if (const auto why = why_not_here(); !why.empty()) GTEST_SKIP() << why;
    // Connection tracking is said to be at work for IPv4 and not for IPv6.
    auto opened = EventRing::open(kNoNamespace, {.index = 5, .tracked4 = 1, .tracked6 = 0, .unused = 0});
    ASSERT_TRUE(opened) << opened.error().message;
    ring_.emplace(std::move(*opened));
    program_ = ring_->programs().descriptor(GetParam().program);
    if (program_ < 0) GTEST_SKIP() << "this kernel has no programs at netfilter hooks";
  }

  // The verdict on the packet.
  std::uint32_t run(const MadePacket& packet) const {
    const bool v4 = packet.flow.source.address.family() == Family::kIpv4;
    std::vector<std::uint8_t> frame(kEthernet);
    frame[12] = v4 ? 0x08 : 0x86;
    frame[13] = v4 ? 0x00 : 0xDD;
    frame.insert(frame.end(), packet.bytes.begin(), packet.bytes.end());
    HookState state{.hook = GetParam().hook, .family = v4 ? std::uint8_t{2} : std::uint8_t{10}, .rest = {}};
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.ctx_in = &state;
    options.ctx_size_in = sizeof state;
    EXPECT_EQ(bpf_prog_test_run_opts(program_, &options), 0) << std::strerror(errno);
    return options.retval;
  }

  void try_case(const PacketCase& each, const PacketOwner& owner) {
    for (const auto& before : each.packet.first) run(make_message(before, owner));
    [[maybe_unused]] const auto earlier = ring_->take();
    const auto packet = make_packet(each.packet, owner);
    EXPECT_EQ(run(packet), kAccept);
    const auto events = ring_->take();
    const auto seen = each.expected_of(GetParam().program);
    ASSERT_EQ(events.size(), seen == Seen::kNo ? 0U : 1U);
    if (seen == Seen::kNo) return;
    const auto& event = events.front();
    expect_event(event, packet, owner.id, seen);
    EXPECT_EQ(event.kind, abi::HOP_HOOK);
    EXPECT_EQ(event.place, 5U);
    EXPECT_EQ(event.hook, GetParam().hook);
    EXPECT_EQ(event.priority, GetParam().priority);
    EXPECT_STREQ(event.device, "lo");
    const bool invalid = GetParam().tracked && event.flow.family == 4;
    EXPECT_EQ(event.ct_info, invalid ? abi::HOP_CT_INVALID : abi::HOP_CT_NONE);
  }

  std::optional<EventRing> ring_;
  int program_ = -1;
};

TEST_P(HookPrograms, every_packet_is_told_or_passed_over_as_the_cases_say) {
  const auto cases = read_packet_cases(data_file("packets.yaml"));
  ASSERT_FALSE(cases.empty());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (const auto family : cases[i].families) {
      SCOPED_TRACE(cases[i].name + ", " + std::string(to_string(family)));
      try_case(cases[i], PacketOwner::of_case(i, family));
    }
  }
}

TEST_P(HookPrograms, a_packet_of_another_place_is_passed_over) {
  auto elsewhere = EventRing::open(4711, {.index = 0, .tracked4 = 1, .tracked6 = 1, .unused = 0});
  ASSERT_TRUE(elsewhere) << elsewhere.error().message;
  program_ = elsewhere->programs().descriptor(GetParam().program);
  EXPECT_EQ(run(make_message("udp-request", PacketOwner::of_case(0, Family::kIpv4))), kAccept);
  EXPECT_TRUE(elsewhere->take().empty());
}

INSTANTIATE_TEST_SUITE_P(All, HookPrograms, testing::ValuesIn(kAtHooks),
                         [](const auto& each) { return std::string(each.param.program); });

}  // namespace
}  // namespace conntruth::tests
