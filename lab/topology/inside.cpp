// Commands inside a node. Entering a PID namespace concerns children only, so a helper enters and forks once more:
//   caller ── helper (enters) ── command        as the caller's child: cloned with CLONE_PARENT
//   caller ── helper (enters) ── session ── command    as a child of the node's init: its parent ended inside
// A command whose parent stays outside must be reaped there; a daemon's parent ends, and init reaps it.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>

#include "lab/topology/spawn.hpp"

namespace conntruth::lab {

namespace {

// What a child tells the caller through a pipe that exec closes.
struct News {
  enum Kind : int { kPid, kEnter, kPod, kFork, kExecute } kind;
  int value;  // a pid, or errno
};

// Everything the children need, made before the fork.
struct Prepared {
  int init = -1;
  int caller = -1;   // pidfd, -1: outlive it
  int output = -1;   // -1: inherit
  int nowhere = -1;  // daemons: standard input
  int news = -1;
  const char* netns = nullptr;
  const char* directory = nullptr;
  char* const* argv = nullptr;
};

void tell(const Prepared& prepared, News news) {
  [[maybe_unused]] const auto written = ::write(prepared.news, &news, sizeof news);
}

[[noreturn]] void give_up(const Prepared& prepared, News::Kind kind) {
  tell(prepared, {kind, errno});
  ::_exit(127);
}

void enter(const Prepared& prepared) {
  if (::setns(prepared.init, CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS) != 0) {
    give_up(prepared, News::kEnter);
  }
  if (prepared.netns != nullptr) {
    const int netns = ::open(prepared.netns, O_RDONLY | O_CLOEXEC);
    if (netns < 0 || ::setns(netns, CLONE_NEWNET) != 0) give_up(prepared, News::kPod);
  }
  [[maybe_unused]] const int changed = ::chdir(prepared.directory);  // else it starts in /
}

void restore_signals() {
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD}) ::sigaction(number, &usual, nullptr);
  sigset_t none{};
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void execute(const Prepared& prepared) {
  restore_signals();
  if (prepared.caller >= 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    pollfd ended{prepared.caller, POLLIN, 0};
    if (::poll(&ended, 1, 0) > 0) ::_exit(127);  // it died before the line above
  }
  if (prepared.nowhere >= 0) ::dup2(prepared.nowhere, STDIN_FILENO);
  if (prepared.output >= 0) {
    ::dup2(prepared.output, STDOUT_FILENO);
    ::dup2(prepared.output, STDERR_FILENO);
  }
  ::execvp(prepared.argv[0], prepared.argv);
  give_up(prepared, News::kExecute);
}

[[noreturn]] void help_child(const Prepared& prepared) {
  enter(prepared);
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, 0UL));
  if (pid == 0) execute(prepared);
  if (pid < 0) give_up(prepared, News::kFork);
  tell(prepared, {News::kPid, pid});
  ::_exit(0);
}

[[noreturn]] void help_daemon(const Prepared& prepared) {
  enter(prepared);
  const pid_t session = ::fork();
  if (session < 0) give_up(prepared, News::kFork);
  if (session > 0) {
    ::waitpid(session, nullptr, 0);
    ::_exit(0);
  }
  ::setsid();
  const pid_t daemon = ::fork();
  if (daemon == 0) execute(prepared);
  if (daemon < 0) give_up(prepared, News::kFork);
  ::_exit(0);
}

Error explain(const News& news, const Inside& inside) {
  switch (news.kind) {
    case News::kEnter:
      if (news.value == ESRCH) return {ErrorCode::kUnavailable, "the node is gone (its init ended)"};
      if (news.value == EINVAL) {
        return {ErrorCode::kUnsupported, "this kernel cannot enter namespaces by pidfd (needs Linux 5.8)"};
      }
      return fail_errno("enter the node's namespaces", news.value).error();
    case News::kPod:
      return fail_errno("enter " + inside.netns, news.value).error();
    case News::kExecute:
      return fail_errno("execute " + inside.argv.front(), news.value).error();
    case News::kFork:
    case News::kPid:
      break;
  }
  return fail_errno("fork", news.value).error();
}

// Reads until every holder of the pipe has executed or ended.
Result<pid_t> await_news(int pipe, const Inside& inside) {
  pid_t pid = 0;
  Result<pid_t> result = 0;
  News news{};
  while (true) {
    const auto length = ::read(pipe, &news, sizeof news);
    if (length < 0 && errno == EINTR) continue;
    if (length != sizeof news) break;
    if (news.kind == News::kPid) {
      pid = news.value;
    } else {
      result = std::unexpected(explain(news, inside));
    }
  }
  if (!result && pid > 0) ::waitpid(pid, nullptr, 0);  // it failed to execute: ours to reap
  if (result) result = pid;
  return result;
}

Status open_output(const Inside& inside, Fd& output) {
  if (inside.output_path.empty()) return {};
  output = Fd(::open(inside.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!output) return fail_errno("open " + inside.output_path, errno);
  return {};
}

Result<pid_t> start(const Inside& inside, bool daemon) {
  Fd output;
  if (auto opened = open_output(inside, output); !opened) return std::unexpected(opened.error());
  const Fd nowhere(daemon ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : -1);
  const Fd caller(inside.die_with_caller ? static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)) : -1);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  std::vector<std::string> words = inside.argv;
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<char, PATH_MAX> directory{'/'};
  if (::getcwd(directory.data(), directory.size()) == nullptr) directory = {'/'};
  const Prepared prepared{inside.init_pidfd, caller.get(),    output.get(),
                          nowhere.get(),     write_end.get(), inside.netns.empty() ? nullptr : inside.netns.c_str(),
                          directory.data(),  argv.data()};
  const pid_t helper = ::fork();
  if (helper == 0) daemon ? help_daemon(prepared) : help_child(prepared);
  if (helper < 0) return fail_errno("fork", errno);
  write_end.close();
  auto result = await_news(read_end.get(), inside);
  ::waitpid(helper, nullptr, 0);
  return result;
}

}  // namespace

Result<pid_t> start_inside(const Inside& inside) { return start(inside, false); }

Status start_daemon_inside(const Inside& inside) {
  auto started = start(inside, true);
  if (!started) return std::unexpected(started.error());
  return {};
}

}  // namespace conntruth::lab
