#include "controller/matrix/sample_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/judging.hpp"

namespace conntruth::matrix {
namespace {

using testing::Bench;
using testing::ip;

// Samples of every kind, some reported twice with the same and some with another content, some by nobody's task.
Bench mixed_run() {
  Bench bench;
  const auto one = bench.cell({});
  const auto two = bench.cell({.column = "api", .count = 50});
  std::mt19937 random(3);
  for (std::uint32_t i = 0; i < 280; ++i) {
    switch (random() % 5) {
      case 0:
        bench.timed_out(one, i);
        break;
      case 1:
        bench.refused(one, i, testing::node_ip(2));
        break;
      case 2:
        bench.tool_error(one, i, "no port " + std::to_string(random() % 3));
        break;
      default:
        bench.replied(one, i, testing::responder(2), testing::pod_ip(1));
    }
    if (random() % 7 == 0) bench.samples.push_back(bench.samples.back());
    if (random() % 7 == 0) bench.timed_out(one, i);
    if (random() % 7 == 0) bench.sight(one, i, testing::responder(3));
  }
  bench.answer(two, 0, 60, {2, 3});  // ten more than planned
  bench.timed_out(99, 0);
  return bench;
}

TEST(SampleTable, any_order_of_arrival_gives_the_same_table) {
  auto bench = mixed_run();
  const auto expected = bench.joined();
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(bench.samples.begin(), bench.samples.end(), random);
    std::shuffle(bench.sights.begin(), bench.sights.end(), random);
    ASSERT_EQ(bench.joined(), expected);
  }
}

TEST(SampleTable, merging_parts_is_commutative_and_associative) {
  const auto bench = mixed_run();
  const auto expected = bench.joined();
  std::mt19937 random(6);
  for (int round = 0; round < 20; ++round) {
    std::vector<SampleTable> parts(3, SampleTable(bench.plan));
    for (const auto& sample : bench.samples) parts[random() % 3].add(sample);
    for (const auto& sight : bench.sights) parts[random() % 3].add(sight);
    auto left = parts[0];
    left.merge(parts[1]);
    left.merge(parts[2]);
    auto inner = parts[2];
    inner.merge(parts[1]);
    auto right = parts[0];
    right.merge(inner);
    auto swapped = inner;
    swapped.merge(parts[0]);
    ASSERT_EQ(left, expected);
    ASSERT_EQ(right, expected);
    ASSERT_EQ(swapped, expected);
  }
}

TEST(SampleTable, counts_what_belongs_to_no_task_and_what_came_twice) {
  Bench bench;
  const auto task = bench.cell({.count = 2});
  bench.timed_out(task, 0);
  bench.timed_out(task, 0);
  bench.timed_out(task, 2);
  bench.timed_out(77, 0);
  bench.timed_out(0, 0);
  const auto table = bench.joined();
  EXPECT_EQ(table.duplicates(), 1U);
  EXPECT_EQ(table.foreign(), 3U);
}

TEST(SampleTable, keeps_the_text_of_the_lowest_failed_probe) {
  Bench bench;
  const auto task = bench.cell({.count = 3});
  bench.tool_error(task, 2, "later");
  bench.tool_error(task, 1, "first");
  EXPECT_EQ(bench.joined().first_error(task), "first");
  EXPECT_EQ(bench.joined().first_error(55), "");
}

}  // namespace
}  // namespace conntruth::matrix
