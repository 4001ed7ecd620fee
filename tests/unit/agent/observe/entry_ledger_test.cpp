// What is made of connection tracking's messages, told as the kernel would.
#include "agent/observe/entry_ledger.hpp"

#include <gtest/gtest.h>

namespace conntruth::observe {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kDnat = 0x20, kConfirmed = 0x8;

IpAddress address(const char* text) { return *IpAddress::parse(text); }

const SocketAddress kClient{address("10.244.1.10"), 40'000};
const SocketAddress kService{address("10.96.0.10"), 80};
const SocketAddress kEndpoint{address("10.244.2.9"), 8080};
const FlowTuple kOriginal{Protocol::kTcp, kClient, kService};
const FlowTuple kReply{Protocol::kTcp, kEndpoint, kClient};

ConntrackEvent event(ConntrackChange change, std::uint32_t status = kConfirmed | kDnat, std::int64_t timeout_s = 60) {
  ConntrackEvent event{.change = change, .port = 0, .has_timeout = true, .entry = {kOriginal, kReply}};
  event.entry.status = status;
  event.entry.timeout = std::chrono::seconds(timeout_s);
  event.entry.id = 7;
  event.has_timeout = change != ConntrackChange::kDestroyed;
  return event;
}

ConntrackEvent destroyed(std::uint32_t port) {
  auto gone = event(ConntrackChange::kDestroyed);
  gone.port = port;
  gone.entry.timeout = {};
  return gone;
}

// The probe as it comes to the node.
Hop hop() {
  Hop hop;
  hop.protocol = Protocol::kTcp;
  hop.source = kClient;
  hop.destination = kService;
  return hop;
}

class Ledger : public testing::Test {
 protected:
  void before_ends() { ledger.before_is_known(kSecond); }
  EntryLife only() {
    const auto lives = ledger.lives();
    EXPECT_EQ(lives.size(), 1U);
    return lives.empty() ? EntryLife() : lives.front();
  }
  EntryLedger ledger;
};

TEST_F(Ledger, an_entry_that_comes_and_stays_is_told_whole) {
  before_ends();
  ledger.take(event(ConntrackChange::kNew), 2 * kSecond);
  ledger.take(event(ConntrackChange::kUpdated, kConfirmed | kDnat | kEntrySeenReply, 10), 3 * kSecond);
  ledger.want(hop());
  ledger.after(event(ConntrackChange::kThere, kConfirmed | kDnat | kEntrySeenReply | kEntryAssured, 8));
  ledger.after_is_known(5 * kSecond);
  const auto life = only();
  EXPECT_EQ(life.original_source, kClient);
  EXPECT_EQ(life.original_destination, kService);
  EXPECT_EQ(life.reply_source, kEndpoint);
  EXPECT_EQ(life.reply_destination, kClient);
  EXPECT_EQ(life.created_ns, 2 * kSecond);
  EXPECT_EQ(life.updated_ns, 3 * kSecond);
  EXPECT_EQ(life.updates, 1U);
  EXPECT_EQ(life.status, kConfirmed | kDnat | kEntrySeenReply | kEntryAssured);
  EXPECT_EQ(life.timeout_s, 8U);
  EXPECT_FALSE(life.before);
  EXPECT_TRUE(life.after);
  EXPECT_EQ(life.end, EntryEnd::kNone);
  EXPECT_FALSE(life.gaps);
}

TEST_F(Ledger, a_flow_is_known_by_any_of_its_packets) {
  before_ends();
  ledger.take(event(ConntrackChange::kNew), 1);
  const auto found_by = [&](const SocketAddress& source, const SocketAddress& destination, bool answer) {
    auto copy = ledger;
    auto seen = hop();
    seen.source = source;
    seen.destination = destination;
    seen.answer = answer;
    copy.want(seen);
    return copy.lives().size();
  };
  EXPECT_EQ(found_by(kClient, kService, false), 1U);
  EXPECT_EQ(found_by(kClient, kEndpoint, false), 1U);  // translated
  EXPECT_EQ(found_by(kEndpoint, kClient, true), 1U);   // its answer
  EXPECT_EQ(found_by(kService, kClient, true), 1U);
  EXPECT_EQ(found_by(kService, kClient, false), 0U);
  EXPECT_EQ(found_by(kClient, {kService.address, 81}, false), 0U);
}

TEST_F(Ledger, nobody_else_s_entries_are_told) {
  ledger.before(event(ConntrackChange::kThere));
  before_ends();
  ledger.take(destroyed(0), 2);
  auto other = hop();
  other.source.port = 1;
  ledger.want(other);
  ledger.after_is_known(3);
  EXPECT_TRUE(ledger.lives().empty());
}

TEST_F(Ledger, an_error_s_addresses_are_no_flow_s) {
  before_ends();
  ledger.take(event(ConntrackChange::kNew), 1);
  auto error = hop();
  error.kind = HopKind::kIcmpError;
  ledger.want(error);
  auto quoted = hop();
  quoted.icmp_type = 3;
  ledger.want(quoted);
  EXPECT_TRUE(ledger.lives().empty());
}

TEST_F(Ledger, an_end_in_time_is_the_kernel_s_and_one_by_request_is_somebody_s) {
  before_ends();
  ledger.want(hop());
  ledger.take(event(ConntrackChange::kNew, kConfirmed, 2), kSecond);
  auto expires = ledger;
  expires.take(destroyed(0), 3 * kSecond);
  EXPECT_EQ(expires.lives().at(0).end, EntryEnd::kExpired);
  EXPECT_EQ(expires.lives().at(0).destroyed_ns, 3 * kSecond);
  auto early = ledger;
  early.take(destroyed(0), kSecond + kSecond / 2);
  EXPECT_EQ(early.lives().at(0).end, EntryEnd::kByKernel);
  ledger.take(destroyed(712), kSecond + 1);
  auto foreign = destroyed(712);
  foreign.entry.original.source.port = 1;
  ledger.take(foreign, kSecond + 2);
  const auto life = only();
  EXPECT_EQ(life.end, EntryEnd::kDeleted);
  EXPECT_EQ(life.remover, 712U);
  EXPECT_EQ(life.others, 1U);
}

TEST_F(Ledger, an_older_entry_was_there_before_and_has_no_beginning) {
  ledger.before(event(ConntrackChange::kThere, kConfirmed | kDnat, 30));
  before_ends();
  ledger.want(hop());
  ledger.take(destroyed(5), 2 * kSecond);
  const auto life = only();
  EXPECT_TRUE(life.before);
  EXPECT_EQ(life.created_ns, 0);
  EXPECT_EQ(life.timeout_s, 30U);
  EXPECT_EQ(life.status, kConfirmed | kDnat);
  EXPECT_EQ(life.end, EntryEnd::kDeleted);
}

// Kernels make no events of entries that are older than whoever listens.
TEST_F(Ledger, an_older_entry_that_went_without_a_word_is_told_as_gone) {
  ledger.before(event(ConntrackChange::kThere));
  before_ends();
  auto seen = hop();
  seen.conntrack.original_source = kClient;
  seen.conntrack.original_destination = kService;
  seen.conntrack.reply_source = kEndpoint;
  seen.conntrack.reply_destination = kClient;
  ledger.want(seen);
  EXPECT_TRUE(ledger.lives().empty());  // it may be there still
  ledger.after_is_known(2 * kSecond);
  const auto life = only();
  EXPECT_TRUE(life.before);
  EXPECT_EQ(life.end, EntryEnd::kUnseen);
  EXPECT_EQ(life.reply_source, kEndpoint);
}

TEST_F(Ledger, lives_of_one_tuple_follow_each_other) {
  ledger.before(event(ConntrackChange::kThere));
  before_ends();
  ledger.want(hop());
  ledger.take(destroyed(5), 2 * kSecond);
  ledger.take(event(ConntrackChange::kNew), 3 * kSecond);
  ledger.after(event(ConntrackChange::kThere));
  ledger.after_is_known(4 * kSecond);
  const auto lives = ledger.lives();
  ASSERT_EQ(lives.size(), 2U);
  EXPECT_TRUE(lives[0].before);
  EXPECT_EQ(lives[0].end, EntryEnd::kDeleted);
  EXPECT_FALSE(lives[1].before);
  EXPECT_EQ(lives[1].created_ns, 3 * kSecond);
}

TEST_F(Ledger, what_happens_while_entries_are_listed_again_is_no_gap) {
  before_ends();
  ledger.want(hop());
  ledger.take(event(ConntrackChange::kNew), 2 * kSecond);
  ledger.after(event(ConntrackChange::kThere));
  ledger.after_is_known(3 * kSecond);
  ledger.take(destroyed(0), 3 * kSecond + 1);
  const auto life = only();  // the same entry: it ended after it was listed
  EXPECT_TRUE(life.after);
  EXPECT_EQ(life.end, EntryEnd::kByKernel);
  EntryLedger late;
  late.before_is_known(1);
  late.want(hop());
  late.after_is_known(kSecond);
  late.take(event(ConntrackChange::kNew), 2 * kSecond);
  ASSERT_EQ(late.lives().size(), 1U);
  EXPECT_EQ(late.lives().front().end, EntryEnd::kNone);
}

TEST_F(Ledger, lost_messages_are_counted_and_every_life_says_so) {
  before_ends();
  ledger.want(hop());
  ledger.lose(1);
  ledger.after(event(ConntrackChange::kThere));
  ledger.after_is_known(2 * kSecond);
  EXPECT_EQ(ledger.lost(), 1U);
  const auto life = only();
  EXPECT_TRUE(life.gaps);
  EXPECT_TRUE(life.after);
  EXPECT_FALSE(life.before);
  EXPECT_EQ(life.created_ns, 0);
}

TEST_F(Ledger, more_events_than_it_has_room_for_are_lost) {
  EntryLedger small(1);
  small.before_is_known(0);
  small.take(event(ConntrackChange::kNew), 1);
  small.take(event(ConntrackChange::kUpdated), 2);
  EXPECT_EQ(small.lost(), 1U);
}

}  // namespace
}  // namespace conntruth::observe
