// Tools in a network namespace (`ip -batch -`): input from memory, messages collected.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <deque>

#include "lab/topology/spawn.hpp"

namespace conntruth::lab {

namespace {

constexpr int kCannotEnter = 126;
constexpr int kCannotExecute = 127;

struct Job {
  const Tool* tool = nullptr;
  pid_t pid = 0;
  Fd messages;
};

[[noreturn]] void exec_tool(int netns, int input, int messages, char* const* argv) {
  if (::setns(netns, CLONE_NEWNET) != 0) ::_exit(kCannotEnter);
  ::dup2(input, STDIN_FILENO);
  ::dup2(messages, STDOUT_FILENO);
  ::dup2(messages, STDERR_FILENO);
  sigset_t none{};
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(argv[0], argv);
  ::_exit(kCannotExecute);
}

Result<Fd> memory_file(const std::string& content) {
  Fd file(::memfd_create("conntruth-lab", MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create", errno);
  std::size_t done = 0;
  while (done < content.size()) {
    const auto written = ::pwrite(file.get(), content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (written <= 0) return fail_errno("write to a memory file", errno);
    done += static_cast<std::size_t>(written);
  }
  return file;
}

Result<Job> start_tool(const Tool& tool) {
  const Fd netns(::open(tool.netns.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns) return fail(ErrorCode::kUnavailable, tool.what + ": its network namespace is gone");
  auto input = memory_file(tool.input);
  if (!input) return std::unexpected(input.error().in(tool.what));
  auto messages = memory_file("");
  if (!messages) return std::unexpected(messages.error().in(tool.what));
  std::vector<std::string> words = tool.argv;
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) exec_tool(netns.get(), input->get(), messages->get(), argv.data());
  if (pid < 0) return std::unexpected(fail_errno("fork", errno).error().in(tool.what));
  return Job{&tool, pid, std::move(*messages)};
}

std::string first_lines(const Fd& messages) {
  std::array<char, 400> buffer{};
  const auto length = ::pread(messages.get(), buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  while (text.ends_with('\n')) text.pop_back();
  for (auto& character : text) {
    if (character == '\n') character = ' ';
  }
  return text;
}

Status finish_tool(const Job& job) {
  int status = 0;
  while (::waitpid(job.pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("wait for " + job.tool->argv.front(), errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const auto& program = job.tool->argv.front();
  if (WIFEXITED(status) && WEXITSTATUS(status) == kCannotExecute) {
    const auto* package = program == "nft" ? "nftables" : "iproute2";
    return fail(ErrorCode::kNotFound, fmt::format("{} cannot be executed; install it (Debian: {})", program, package));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kCannotEnter) {
    return fail(ErrorCode::kUnavailable, job.tool->what + ": entering its network namespace failed");
  }
  const auto message = fmt::format("{}: {}: {}", job.tool->what, program, first_lines(job.messages));
  for (const auto* lacking : {"Unknown device type", "not supported"}) {
    if (message.find(lacking) == std::string::npos) continue;
    return fail(ErrorCode::kUnsupported, message +
                                             "; a lab needs veth, bridge, policy routing and static neighbours in "
                                             "the kernel (try `modprobe veth bridge`)");
  }
  return fail(ErrorCode::kInternal, message);
}

}  // namespace

Status run_tools(const std::vector<Tool>& tools, unsigned parallel) {
  Status result;
  std::deque<Job> running;
  const auto finish_oldest = [&] {
    auto finished = finish_tool(running.front());
    running.pop_front();
    if (result && !finished) result = std::move(finished);
  };
  for (const auto& tool : tools) {
    if (running.size() >= parallel) finish_oldest();
    if (!result) break;
    auto job = start_tool(tool);
    if (!job) {
      result = std::unexpected(job.error());
      break;
    }
    running.push_back(std::move(*job));
  }
  while (!running.empty()) finish_oldest();
  return result;
}

}  // namespace conntruth::lab
