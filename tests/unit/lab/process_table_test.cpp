#include "lab/topology/process_table.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace conntruth::lab {
namespace {

TEST(ProcessTable, reads_this_process) {
  const auto self = read_process(::getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->pid, ::getpid());
  EXPECT_EQ(self->parent, ::getppid());
  EXPECT_EQ(self->root, ::geteuid() == 0);
  EXPECT_GT(self->start_time, 0U);
  EXPECT_EQ(self->program(), "unit_lab");
  const auto all = read_processes();
  EXPECT_NE(std::ranges::find(all, ::getpid(), &Process::pid), all.end());
}

TEST(ProcessTable, a_process_that_is_not_there_is_absent) { EXPECT_FALSE(read_process(0)); }

Process init_of(const std::string& lab, const std::string& node) {
  Process process;
  process.pid = 4711;
  process.inside = 1;
  process.root = true;
  process.nested = true;
  process.argv = {"/usr/bin/conntruth-lab-init", lab, node};
  return process;
}

TEST(ProcessTable, an_init_is_known_by_its_arguments_and_its_place) {
  const auto real = init_of("a", "node-1");
  auto not_first = real;
  not_first.inside = 2;
  auto not_root = real;
  not_root.root = false;
  auto not_nested = real;
  not_nested.nested = false;
  auto other_program = real;
  other_program.argv[0] = "/usr/bin/conntruth-lab-initx";
  auto other_arguments = real;
  other_arguments.argv.emplace_back("more");
  const auto inits = inits_among({not_first, not_root, not_nested, other_program, other_arguments, real});
  ASSERT_EQ(inits.size(), 1U);
  EXPECT_EQ(inits[0].lab, "a");
  EXPECT_EQ(inits[0].node, "node-1");
}

TEST(ProcessTable, a_reused_pid_is_not_opened) {
  auto self = read_process(::getpid());
  ASSERT_TRUE(self);
  EXPECT_TRUE(open_process(*self));
  self->start_time += 1;
  const auto opened = open_process(*self);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace conntruth::lab
