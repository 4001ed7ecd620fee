// A node's init: clone into new namespaces, exec, wait for its report.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "lab/topology/spawn.hpp"

namespace conntruth::lab {

namespace {

constexpr int kFirstFree = 10;  // where file descriptors do not collide with the numbers that init expects

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  return pipe;
}

[[noreturn]] void exec_init(char* const* argv, char* const* environment, int life_line, int report) {
  const int line = ::fcntl(life_line, F_DUPFD_CLOEXEC, kFirstFree);
  const int answer = ::fcntl(report, F_DUPFD_CLOEXEC, kFirstFree);
  ::dup2(line, 3);
  ::dup2(answer, 4);
  ::execve(argv[0], argv, environment);
  constexpr std::string_view kMessage = "cannot execute conntruth-lab-init";
  [[maybe_unused]] const auto written = ::write(4, kMessage.data(), kMessage.size());
  ::_exit(127);
}

Error clone_error(int number) {
  if (number == EPERM) {
    return {ErrorCode::kPermission, "making namespaces was refused; run as root (CAP_SYS_ADMIN and CAP_NET_ADMIN)"};
  }
  if (number == EINVAL || number == ENOSYS) {
    return {ErrorCode::kUnsupported, "this kernel lacks network, mount, PID or UTS namespaces, or clone3 (Linux 5.3)"};
  }
  if (number == ENOSPC || number == EUSERS) {
    return {ErrorCode::kResource, "no more namespaces allowed; raise user.max_net_namespaces or remove other labs"};
  }
  return fail_errno("clone3 into new namespaces", number).error();
}

}  // namespace

Result<LifeLine> LifeLine::make() {
  auto pipe = make_pipe();
  if (!pipe) return std::unexpected(pipe.error());
  LifeLine line;
  line.read_ = std::move(pipe->read);
  line.write_ = std::move(pipe->write);
  return line;
}

Status LifeLine::release() {
  if (::write(write_.get(), "1", 1) != 1) return fail_errno("release the nodes", errno);
  return {};
}

Result<StartedInit> start_init(const std::string& program, const std::string& lab, const std::string& node,
                               const std::string& pods, const LifeLine& life_line) {
  auto report = make_pipe();
  if (!report) return std::unexpected(report.error());
  std::array<std::string, 3> words{program, lab, node};
  std::array<char*, 4> argv{words[0].data(), words[1].data(), words[2].data(), nullptr};
  std::string pod_list = "CONNTRUTH_LAB_PODS=" + pods;
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 3> environment{path.data(), pod_list.data(), nullptr};

  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid == 0) exec_init(argv.data(), environment.data(), life_line.held_by_init(), report->write.get());
  if (pid < 0) return std::unexpected(clone_error(errno).in(node));
  return StartedInit{pid, Fd(pidfd), std::move(report->read)};
}

Status await_init(const StartedInit& init) {
  std::string text;
  std::array<char, 512> buffer{};
  while (true) {
    const auto length = ::read(init.report.get(), buffer.data(), buffer.size());
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
  if (text == "ok") return {};
  if (text.empty()) return fail(ErrorCode::kUnavailable, "its init ended before it was ready");
  return fail(ErrorCode::kInternal, text);
}

}  // namespace conntruth::lab
