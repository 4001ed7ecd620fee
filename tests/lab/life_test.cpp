// Labs come and go: what they leave, what they refuse, what survives a killed creator or a killed node.
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "lab/files.hpp"
#include "lab/spec.hpp"
#include "lab/topology/process_table.hpp"
#include "tests/lab/lab_fixture.hpp"

namespace conntruth::lab::test {
namespace {

class LabLife : public LabTest {};

TEST_F(LabLife, up_and_down_leave_nothing_on_the_host) {
  const auto before = host_state();
  const auto wanted = spec("a");
  const auto lab = build(wanted);
  EXPECT_EQ(host_state(), before) << "while the lab is up";
  EXPECT_EQ(inits_of(wanted.name), (std::vector<std::string>{"external", "fabric", "node-1", "node-2"}));
  EXPECT_EQ(std::ranges::count(Lab::list(), wanted.name), 1);
  ASSERT_TRUE(Lab::down(wanted.name));
  EXPECT_EQ(host_state(), before);
  EXPECT_TRUE(inits_of(wanted.name).empty());
  EXPECT_FALSE(has_lab_directory(wanted.name));
  EXPECT_EQ(std::ranges::count(Lab::list(), wanted.name), 0);
}

TEST_F(LabLife, a_lab_is_opened_by_its_name_and_a_missing_one_is_not_found) {
  const auto wanted = spec("a");
  const auto missing = Lab::open(wanted.name);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Lab::down(wanted.name).error().code, ErrorCode::kNotFound);
  const auto lab = build(wanted);
  const auto opened = Lab::open(wanted.name);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->topology(), lab.topology());
}

TEST_F(LabLife, a_taken_name_is_a_conflict_and_the_lab_that_has_it_lives_on) {
  const auto wanted = spec("a");
  const auto lab = build(wanted);
  const auto second = Lab::up(wanted);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_EQ(inits_of(wanted.name).size(), 4U);
  EXPECT_EQ(run(lab, "node-1", "true").status, 0);
}

TEST_F(LabLife, two_labs_side_by_side_do_not_know_each_other) {
  const auto first = build(spec("a"));
  const auto second = build(spec("b"));
  ASSERT_EQ(run(first, "node-1", "ip link set pod-0 down").status, 0);
  const auto& pod = second.topology().nodes[0].pods[0];
  EXPECT_TRUE(answers(second, "node-2", "", pod.addresses[0]));
  ASSERT_TRUE(Lab::down(first.spec().name));
  EXPECT_TRUE(answers(second, "node-2", "", pod.addresses[1]));
  EXPECT_EQ(inits_of(second.spec().name).size(), 4U);
}

TEST_F(LabLife, remains_of_a_dead_lab_are_listed_and_removed) {
  const auto wanted = spec("a");
  ASSERT_TRUE(make_lab_directory(wanted.name));
  EXPECT_EQ(std::ranges::count(Lab::list(), wanted.name), 1);
  EXPECT_EQ(Lab::open(wanted.name).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Lab::up(wanted).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(Lab::down(wanted.name));
  EXPECT_EQ(std::ranges::count(Lab::list(), wanted.name), 0);
}

TEST_F(LabLife, a_lab_that_cannot_be_completed_leaves_nothing) {
  auto wanted = spec("a");
  ASSERT_EQ(::setenv("PATH", "/nonexistent", 1), 0);  // no ip(8)
  const auto lab = Lab::up(wanted);
  ASSERT_EQ(::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1), 0);
  ASSERT_FALSE(lab);
  EXPECT_EQ(lab.error().message, "ip cannot be executed; install it (Debian: iproute2)");
  EXPECT_TRUE(inits_of(wanted.name).empty());
  EXPECT_FALSE(has_lab_directory(wanted.name));
}

// Builds a lab in a child that is killed after `microseconds`, wherever it is by then; returns when it and, unless the
// lab was complete, all that it had started are gone. This process adopts them, so waiting for children is exact.
void kill_creator_after(const LabSpec& wanted, long microseconds) {
  const pid_t creator = ::fork();
  if (creator == 0) {
    const itimerval timer{{0, 0}, {0, microseconds}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);  // SIGALRM's default ends the process as SIGKILL does
    const auto lab = Lab::up(wanted);
    ::_exit(lab ? 0 : 1);
  }
  ::waitpid(creator, nullptr, 0);
  if (::access((lab_directory(wanted.name) + "/spec.json").c_str(), F_OK) == 0) return;
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

class KilledCreator : public LabTest, public testing::WithParamInterface<long> {};

TEST_P(KilledCreator, leaves_no_process_and_what_is_left_is_removed) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  auto wanted = spec("k");
  wanted.nodes = 4;
  wanted.proxy = "reference";
  const auto before = host_state();
  kill_creator_after(wanted, GetParam());
  const bool complete = Lab::open(wanted.name).has_value();
  EXPECT_TRUE(complete || inits_of(wanted.name).empty());
  [[maybe_unused]] const auto removed = Lab::down(wanted.name);  // not found: it was killed before its first step
  EXPECT_TRUE(inits_of(wanted.name).empty());
  EXPECT_FALSE(has_lab_directory(wanted.name));
  EXPECT_EQ(host_state(), before);
  EXPECT_TRUE(Lab::up(wanted)) << "the name is free again";
}

INSTANTIATE_TEST_SUITE_P(AtManyPoints, KilledCreator,
                         testing::Values(500, 2000, 5000, 10000, 20000, 40000, 80000, 160000, 320000),
                         [](const auto& point) { return fmt::format("after_{}_us", point.param); });

bool ends(const Process& process) {
  const auto pidfd = open_process(process);
  if (!pidfd) return true;
  pollfd wait{pidfd->get(), POLLIN, 0};
  return ::poll(&wait, 1, 20000) == 1;
}

TEST_F(LabLife, the_death_of_a_nodes_init_takes_everything_of_that_node_and_nothing_else) {
  auto wanted = spec("a");
  wanted.proxy = "reference";
  const auto lab = build(wanted);
  const auto processes = lab.processes();
  ASSERT_TRUE(processes);
  const auto init = read_process((*processes)[0].init);
  const auto proxy = read_process((*processes)[0].proxy);
  const auto child = lab.start("node-1", {{"sleep", "1000"}, "", "", false});
  ASSERT_TRUE(init && proxy && child);
  const auto sleeper = read_process(*child);
  ASSERT_TRUE(sleeper);
  ASSERT_EQ(::kill((*processes)[0].init, SIGKILL), 0);
  EXPECT_TRUE(ends(*proxy));
  EXPECT_TRUE(ends(*sleeper));
  EXPECT_EQ(::waitpid(*child, nullptr, 0), *child);
  EXPECT_TRUE(ends(*init));

  const auto gone = lab.run("node-1", {{"true"}, "", "", false});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(run(lab, "node-2", "true").status, 0);
  EXPECT_NE(lab.processes()->at(1).proxy, 0);
  EXPECT_EQ(lab.processes()->at(0).init, 0);
  EXPECT_TRUE(Lab::open(wanted.name)) << "what is left can be used";
}

TEST_F(LabLife, down_ends_commands_that_this_process_started_and_did_not_wait_for) {
  const auto lab = build(spec("a"));
  const auto child = lab.start("node-1", {{"sleep", "1000"}, "", "", false});
  ASSERT_TRUE(child);
  EXPECT_TRUE(Lab::down(lab.spec().name));
  EXPECT_EQ(::kill(*child, 0), -1);
}

TEST_F(LabLife, a_command_dies_with_its_caller_where_it_shall) {
  const auto lab = build(spec("a"));
  std::array<int, 2> ends_of_pipe{};
  ASSERT_EQ(::pipe(ends_of_pipe.data()), 0);
  const pid_t caller = ::fork();
  if (caller == 0) {
    const auto started = lab.start("node-1", {{"sleep", "1000"}, "", "", true});
    const pid_t pid = started.value_or(0);
    ::_exit(::write(ends_of_pipe[1], &pid, sizeof pid) == sizeof pid ? 0 : 1);
  }
  pid_t command = 0;
  ASSERT_EQ(::read(ends_of_pipe[0], &command, sizeof command), static_cast<ssize_t>(sizeof command));
  const auto process = read_process(command);
  ::waitpid(caller, nullptr, 0);
  for (const int end : ends_of_pipe) ::close(end);
  ASSERT_GT(command, 0);
  EXPECT_TRUE(!process || ends(*process));
}

}  // namespace
}  // namespace conntruth::lab::test
