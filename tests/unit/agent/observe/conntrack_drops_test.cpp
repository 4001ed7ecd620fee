// What the kernel's statistics of connection tracking say was thrown away.
#include "agent/observe/conntrack_drops.hpp"

#include <gtest/gtest.h>

namespace conntruth::observe {
namespace {

TEST(ConntrackDrops, are_summed_over_processors_by_the_columns_name) {
  EXPECT_EQ(dropped_in("entries  clashres found new insert_failed drop early_drop\n"
                       "0000000a  00000000 00000000 00000000 00000007 0000001f 00000002\n"
                       "0000000a  00000000 00000000 00000000 00000000 00000001 00000000\n"),
            32U);
}

TEST(ConntrackDrops, are_none_where_the_kernel_does_not_tell) {
  EXPECT_EQ(dropped_in(""), 0U);
  EXPECT_EQ(dropped_in("entries found\n00000001 00000002\n"), 0U);
  EXPECT_EQ(dropped_in("entries drop\n00000001\nnonsense\n"), 0U);
}

}  // namespace
}  // namespace conntruth::observe
