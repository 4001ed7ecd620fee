// What DNS messages say, and what is no answer.
#include "agent/probe/dns_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/dns_answer.hpp"

namespace conntruth::probe {
namespace {

using support::address_record;
using support::alias_record;
using support::dns_answer;
using testing::HasSubstr;

const std::string kName = "web.shop.svc.cluster.local";

Result<std::optional<NameAnswer>> read(const std::string& bytes, Family family = Family::kIpv4) {
  return read_dns_answer({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, 7, kName, family);
}

std::string question(Family family = Family::kIpv4) { return *dns_question(7, kName, family); }

IpAddress address(const std::string& text) { return *IpAddress::parse(text); }

TEST(DnsMessage, answers_tell_sorted_addresses_of_the_family_asked_for) {
  const auto four = read(dns_answer(question(), 0, {address_record("10.96.0.9"), address_record("10.96.0.3")}));
  ASSERT_TRUE(four && *four);
  EXPECT_EQ(**four, (NameAnswer{0, "", {address("10.96.0.3"), address("10.96.0.9")}}));
  const auto six =
      read(dns_answer(question(Family::kIpv6), 0, {address_record("fd00:96::9"), address_record("10.0.0.1")}),
           Family::kIpv6);
  ASSERT_TRUE(six && *six);
  EXPECT_EQ(**six, (NameAnswer{0, "", {address("fd00:96::9")}}));
}

TEST(DnsMessage, aliases_are_told_in_small_letters_without_the_last_dot) {
  const auto answer = read(dns_answer(question(), 0, {alias_record("Other.Shop.svc"), address_record("10.96.0.9")}));
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(to_string(**answer), "-> other.shop.svc: 10.96.0.9");
}

TEST(DnsMessage, codes_have_their_names) {
  const auto none = read(dns_answer(question(), NameAnswer::kNoSuchName, {}));
  ASSERT_TRUE(none && *none);
  EXPECT_EQ(to_string(**none), "NXDOMAIN");
  const auto empty = read(dns_answer(question(), 0, {}));
  ASSERT_TRUE(empty && *empty);
  EXPECT_EQ(to_string(**empty), "no address");
  EXPECT_EQ(to_string(NameAnswer{9, "", {}}), "RCODE9");
}

TEST(DnsMessage, of_another_question_are_no_answers) {
  EXPECT_EQ(*read(question()), std::nullopt) << "a question";
  EXPECT_EQ(*read(dns_answer(*dns_question(8, kName, Family::kIpv4), 0, {})), std::nullopt) << "another id";
  EXPECT_EQ(*read(dns_answer(*dns_question(7, "a." + kName, Family::kIpv4), 0, {})), std::nullopt) << "another name";
  EXPECT_EQ(*read(dns_answer(question(Family::kIpv6), 0, {})), std::nullopt) << "another type";
}

TEST(DnsMessage, names_are_the_same_in_any_case) {
  const auto loud = dns_answer(*dns_question(7, "WEB.shop.SVC.cluster.local", Family::kIpv4), 0, {});
  EXPECT_TRUE(read(loud)->has_value());
}

TEST(DnsMessage, cut_anywhere_are_errors_and_never_answers) {
  const auto whole = dns_answer(question(), 0, {alias_record("other.shop.svc"), address_record("10.96.0.9")});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto answer = read(whole.substr(0, size));
    EXPECT_FALSE(answer && *answer) << size;
  }
}

TEST(DnsMessage, without_room_for_the_answer_say_so) {
  auto truncated = dns_answer(question(), 0, {});
  truncated[2] = static_cast<char>(truncated[2] | 2);  // TC
  const auto answer = read(truncated);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("no room in 4096 bytes"));
}

TEST(DnsMessage, are_not_made_of_what_is_no_name) {
  for (const auto& name : {std::string(), std::string("a..b"), std::string(64, 'x') + ".local"}) {
    EXPECT_FALSE(dns_question(1, name, Family::kIpv4)) << name;
  }
}

TEST(DnsMessage, of_both_families_make_one_answer) {
  const NameAnswer four{0, "b", {address("10.0.0.2")}};
  const NameAnswer six{0, "b", {address("fd00::2")}};
  EXPECT_EQ(merged(four, six), merged(six, four));
  EXPECT_EQ(to_string(merged(four, six)), "-> b: 10.0.0.2 fd00::2");
  EXPECT_EQ(to_string(merged(four, {2, "", {}})), "SERVFAIL");
}

}  // namespace
}  // namespace conntruth::probe
