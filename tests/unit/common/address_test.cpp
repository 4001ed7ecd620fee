#include "common/address.hpp"

#include <gtest/gtest.h>

namespace conntruth {
namespace {

TEST(IpAddress, prints_what_it_parsed) {
  for (const auto* text : {"0.0.0.0", "10.96.0.10", "255.255.255.255", "::", "fd00:96::a", "2001:db8::1"}) {
    EXPECT_EQ(IpAddress::parse(text)->to_string(), text);
  }
}

TEST(IpAddress, refuses_what_is_no_address) {
  for (const auto* text : {"", "10.96.0", "10.96.0.256", "fe80::1%eth0", "10.0.0.1:80", "010.0.0.1", "web"}) {
    const auto parsed = IpAddress::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidInput);
  }
}

TEST(Prefix, contains_only_its_family_and_its_bits) {
  const auto prefix = *Prefix::parse("10.96.77.1/12");
  EXPECT_EQ(prefix.to_string(), "10.96.0.0/12");
  EXPECT_TRUE(prefix.contains(*IpAddress::parse("10.111.255.255")));
  EXPECT_FALSE(prefix.contains(*IpAddress::parse("10.112.0.0")));
  EXPECT_FALSE(prefix.contains(*IpAddress::parse("::ffff")));
  EXPECT_TRUE(Prefix::parse("::/0")->contains(*IpAddress::parse("fd00::1")));
}

TEST(Prefix, counts_addresses_across_bytes) {
  EXPECT_EQ(Prefix::parse("10.96.0.0/16")->at(256).to_string(), "10.96.1.0");
  EXPECT_EQ(Prefix::parse("fd00:96::/112")->at(65535).to_string(), "fd00:96::ffff");
}

TEST(Prefix, refuses_lengths_beyond_the_family) {
  for (const auto* text : {"10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0", "10.0.0.0/-1", "10.0.0.0/8x"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Protocol, is_read_in_any_case) {
  EXPECT_EQ(*parse_protocol("SCTP"), Protocol::kSctp);
  EXPECT_FALSE(parse_protocol("icmp"));
}

}  // namespace
}  // namespace conntruth
