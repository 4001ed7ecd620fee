#include "agent/observe/conntrack_message.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>

namespace conntruth::observe {
namespace {

IpAddress address(const char* text) { return *IpAddress::parse(text); }

const FlowTuple kAsked{Protocol::kTcp, {address("10.244.1.10"), 10'007}, {address("10.96.0.10"), 80}};
const FlowTuple kReply{Protocol::kTcp, {address("10.244.2.9"), 8080}, {address("10.244.1.10"), 10'007}};

using Bytes = std::vector<std::uint8_t>;

// A question's tuple has the shape of an entry's, so entries are put together of two questions.
Bytes tuple_of(const FlowTuple& tuple) {
  const auto question = conntrack_question(tuple, 0, 1);
  return {question.begin() + NLMSG_HDRLEN + sizeof(nfgenmsg), question.end()};
}

Bytes entry_bytes(const FlowTuple& original, const FlowTuple& reply, std::uint32_t sequence) {
  Bytes bytes(1024);
  auto* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8U | IPCTNL_MSG_CT_NEW;
  header->nlmsg_seq = sequence;
  mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg));
  const auto put = [&](std::uint16_t type, const FlowTuple& tuple) {
    const auto nest = tuple_of(tuple);
    mnl_attr_put(header, type | NLA_F_NESTED, nest.size() - NLA_HDRLEN, nest.data() + NLA_HDRLEN);
  };
  put(CTA_TUPLE_ORIG, original);
  put(CTA_TUPLE_REPLY, reply);
  mnl_attr_put_u32(header, CTA_STATUS, htonl(0x1AA));
  mnl_attr_put_u32(header, CTA_TIMEOUT, htonl(9));
  mnl_attr_put_u32(header, CTA_MARK, htonl(0x4000));
  mnl_attr_put_u16(header, CTA_ZONE, htons(7));
  bytes.resize(header->nlmsg_len);
  return bytes;
}

TEST(ConntrackMessage, an_entry_comes_out_as_the_kernel_put_it) {
  const auto answers = read_conntrack_answers(entry_bytes(kAsked, kReply, 5));
  ASSERT_TRUE(answers) << answers.error().message;
  ASSERT_EQ(answers->size(), 1U);
  EXPECT_EQ(answers->front().sequence, 5U);
  const ConntrackEntry wanted{kAsked, kReply, 0x1AA, std::chrono::seconds(9), 0x4000, 7};
  EXPECT_EQ(answers->front().entry, wanted);
}

TEST(ConntrackMessage, an_entry_of_ipv6_does_too) {
  const FlowTuple asked{Protocol::kSctp, {address("fd00:10::1"), 1}, {address("fd00:96::1"), 65'535}};
  const FlowTuple reply{Protocol::kSctp, {address("fd00:20::9"), 9}, {address("fd00:10::1"), 1}};
  const auto answers = read_conntrack_answers(entry_bytes(asked, reply, 1));
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_EQ(answers->front().entry->original, asked);
  EXPECT_EQ(answers->front().entry->reply, reply);
}

TEST(ConntrackMessage, an_error_of_the_kernel_is_told_as_its_number) {
  Bytes bytes(64);
  auto* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = NLMSG_ERROR;
  header->nlmsg_seq = 3;
  auto* error = static_cast<nlmsgerr*>(mnl_nlmsg_put_extra_header(header, sizeof(nlmsgerr)));
  error->error = -ENOENT;
  bytes.resize(header->nlmsg_len);
  const auto answers = read_conntrack_answers(bytes);
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_EQ(answers->front().error, ENOENT);
  EXPECT_EQ(answers->front().sequence, 3U);
  EXPECT_FALSE(answers->front().entry);
}

// Whatever length the kernel, or a lie, gives: no read beyond the end (the address sanitizer watches), no entry either.
TEST(ConntrackMessage, what_is_cut_short_or_lies_about_its_lengths_is_refused) {
  const auto whole = entry_bytes(kAsked, kReply, 5);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(read_conntrack_answers(std::span(whole).first(size))) << size;
  }
  std::size_t entries = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const auto value : std::to_array<std::uint8_t>({0x00, 0x01, 0x7f, 0xff})) {
      auto changed = whole;
      changed[at] = value;
      const auto answers = read_conntrack_answers(changed);
      if (answers && !answers->empty() && answers->front().entry) ++entries;
    }
  }
  EXPECT_GT(entries, 0U) << "a changed address is still an entry";
}

TEST(ConntrackMessage, an_entry_without_its_tuples_is_refused) {
  Bytes bytes(64);
  auto* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8U | IPCTNL_MSG_CT_NEW;
  mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg));
  bytes.resize(header->nlmsg_len);
  const auto answers = read_conntrack_answers(bytes);
  ASSERT_FALSE(answers);
  EXPECT_EQ(answers.error().message, "ctnetlink: an entry without its two tuples");
}

// ---- events and dumps ----

// The kernel's message of that type, with these flags and that port.
Bytes event_bytes(std::uint16_t type, std::uint16_t flags, std::uint32_t port) {
  auto bytes = entry_bytes(kAsked, kReply, 0);
  auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
  header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8U | type);
  header->nlmsg_flags = flags;
  header->nlmsg_pid = port;
  return bytes;
}

std::vector<ConntrackEvent> events_of(const Bytes& bytes, ConntrackNews* news = nullptr) {
  std::vector<ConntrackEvent> events;
  const auto read = read_conntrack_events(bytes, [&](const ConntrackEvent& event) { events.push_back(event); });
  EXPECT_TRUE(read) << read.error().message;
  if (read && news != nullptr) *news = *read;
  return events;
}

TEST(ConntrackMessage, an_event_tells_what_happened_and_who_asked_for_it) {
  const auto one = [](std::uint16_t type, std::uint16_t flags, std::uint32_t port) {
    const auto events = events_of(event_bytes(type, flags, port));
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? ConntrackEvent() : events.front();
  };
  EXPECT_EQ(one(IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, 0).change, ConntrackChange::kNew);
  EXPECT_EQ(one(IPCTNL_MSG_CT_NEW, 0, 0).change, ConntrackChange::kUpdated);
  EXPECT_EQ(one(IPCTNL_MSG_CT_NEW, NLM_F_MULTI, 0).change, ConntrackChange::kThere);
  const auto destroyed = one(IPCTNL_MSG_CT_DELETE, 0, 712);
  EXPECT_EQ(destroyed.change, ConntrackChange::kDestroyed);
  EXPECT_EQ(destroyed.port, 712U);
  EXPECT_EQ(destroyed.entry.original, kAsked);
  EXPECT_EQ(destroyed.entry.reply, kReply);
  // The port of a dump's answer is the asking socket's own.
  EXPECT_EQ(one(IPCTNL_MSG_CT_NEW, NLM_F_MULTI, 712).port, 0U);
}

TEST(ConntrackMessage, entries_of_other_protocols_are_passed_over) {
  auto icmp = kAsked;
  icmp.protocol = static_cast<Protocol>(1);
  auto bytes = entry_bytes(icmp, icmp, 0);
  const auto known = event_bytes(IPCTNL_MSG_CT_NEW, 0, 0);
  bytes.insert(bytes.end(), known.begin(), known.end());
  ConntrackNews news;
  EXPECT_EQ(events_of(bytes, &news).size(), 1U);
  EXPECT_EQ(news.skipped, 1U);
  EXPECT_FALSE(news.done);
}

TEST(ConntrackMessage, the_end_of_a_dump_and_its_refusal_are_told) {
  Bytes bytes(NLMSG_HDRLEN + sizeof(nlmsgerr));
  auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
  header->nlmsg_len = static_cast<std::uint32_t>(bytes.size());
  header->nlmsg_type = NLMSG_DONE;
  ConntrackNews news;
  EXPECT_TRUE(events_of(bytes, &news).empty());
  EXPECT_TRUE(news.done);
  header->nlmsg_type = NLMSG_ERROR;
  static_cast<nlmsgerr*>(mnl_nlmsg_get_payload(header))->error = -EPERM;
  events_of(bytes, &news);
  EXPECT_EQ(news.error, EPERM);
}

TEST(ConntrackMessage, an_event_that_is_cut_is_refused) {
  const auto whole = event_bytes(IPCTNL_MSG_CT_DELETE, 0, 1);
  for (std::size_t size = 1; size < whole.size(); ++size)
    EXPECT_FALSE(read_conntrack_events(std::span(whole).first(size), [](const auto&) {})) << size;
}

}  // namespace
}  // namespace conntruth::observe
