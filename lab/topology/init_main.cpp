// Process 1 of a lab's node: prepares the node's namespaces, then only reaps. Its death takes everything of the node.
//
//   conntruth-lab-init LAB NODE       environment: CONNTRUTH_LAB_PODS="POD POD ..."
//   fd 3  read end of the lab's life line, shared by all inits of the lab. A byte in it: the lab is complete, live on
//         alone. Its end without a byte: the creator died half-way, so end (and the node with us).
//   fd 4  report to the creator: "ok", or one line that says what failed.
// Not meant to be started by hand.
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "lab/topology/address_plan.hpp"
#include "lab/topology/namespace_setup.hpp"

namespace {

using conntruth::Status;

constexpr int kLifeLine = 3;
constexpr int kReport = 4;

void detach() {
  ::close_range(kReport + 1, ~0U, 0);
  ::setsid();
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, stream);
  if (nowhere > STDERR_FILENO) ::close(nowhere);
  if (::chdir("/") != 0) std::_Exit(1);
  ::umask(022);
}

std::vector<std::string> pods() {
  const char* names = std::getenv("CONNTRUTH_LAB_PODS");
  std::istringstream words(names == nullptr ? "" : names);
  std::vector<std::string> result;
  for (std::string word; words >> word;) result.push_back(word);
  return result;
}

Status prepare(const std::string& node) {
  if (::sethostname(node.data(), node.size()) != 0) return conntruth::fail_errno("set the host name", errno);
  if (auto done = conntruth::lab::mount_node_view(); !done) return done;
  if (auto done = conntruth::lab::apply_sysctls(node != conntruth::lab::kExternal); !done) return done;
  return conntruth::lab::make_pod_namespaces(pods());
}

void report(const Status& status) {
  const std::string text = status ? "ok" : status.error().message;
  if (::write(kReport, text.data(), text.size()) < 0) std::_Exit(1);
  ::close(kReport);
}

void reap() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

// The byte stays in the pipe for the other inits: nobody reads it.
bool lab_is_complete(short events) { return (events & POLLIN) != 0; }

void live(int signals) {
  bool complete = false;
  while (true) {
    std::array<pollfd, 2> waits{{{signals, POLLIN, 0}, {complete ? -1 : kLifeLine, POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
    if (waits[0].revents != 0) {
      signalfd_siginfo info{};
      if (::read(signals, &info, sizeof info) > 0) reap();
    }
    if (waits[1].revents == 0) continue;
    if (!lab_is_complete(waits[1].revents)) return;
    complete = true;
    ::close(kLifeLine);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || ::getpid() != 1) {
    std::fputs("conntruth-lab-init is process 1 of a lab's node; `conntruth lab up` starts it\n", stderr);
    return 1;
  }
  detach();
  sigset_t all{};
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  sigset_t child{};
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const int signals = ::signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
  const auto prepared = prepare(argv[2]);
  report(prepared);
  if (!prepared || signals < 0) return 1;
  live(signals);
  return 1;
}
