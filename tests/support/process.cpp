#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace conntruth::support {

namespace {

using std::chrono::steady_clock;

[[noreturn]] void become(const std::vector<std::string>& argv, const std::vector<std::string>& environment, int out,
                         int err) {
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  for (const auto& each : environment) {
    const auto equals = each.find('=');
    setenv(each.substr(0, equals).c_str(), each.substr(equals + 1).c_str(), 1);
  }
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

// Appends what is there; closes the pipe at its end.
void drain(int& pipe, short events, std::string& text) {
  if (pipe < 0 || events == 0) return;
  std::array<char, 65536> buffer{};
  const auto length = read(pipe, buffer.data(), buffer.size());
  if (length > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(length));
    return;
  }
  close(pipe);
  pipe = -1;
}

}  // namespace

Process::Process(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  pid_ = fork();
  if (pid_ == 0) become(argv, environment, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  out_pipe_ = out[0];
  err_pipe_ = err[0];
}

Process::~Process() {
  if (status_ < 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_pipe_ >= 0) close(out_pipe_);
  if (err_pipe_ >= 0) close(err_pipe_);
}

void Process::signal(int number) const { kill(pid_, number); }

bool Process::read_some(int milliseconds) {
  std::array<pollfd, 2> pipes{{{out_pipe_, POLLIN, 0}, {err_pipe_, POLLIN, 0}}};
  if (poll(pipes.data(), pipes.size(), milliseconds) > 0) {
    drain(out_pipe_, pipes[0].revents, out_);
    drain(err_pipe_, pipes[1].revents, err_);
  }
  return out_pipe_ >= 0 || err_pipe_ >= 0;
}

bool Process::wait_for_error_text(const std::string& text, std::chrono::seconds within) {
  const auto deadline = steady_clock::now() + within;
  while (err_.find(text) == std::string::npos) {
    if (steady_clock::now() >= deadline || !read_some(100)) return false;
  }
  return true;
}

int Process::wait(std::chrono::seconds within) {
  const auto deadline = steady_clock::now() + within;
  // A child of the program that holds the pipes open must not hold us up: the process's own end decides.
  while (true) {
    int status = 0;
    const bool open = read_some(50);
    if (waitpid(pid_, &status, open ? WNOHANG : 0) == pid_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      read_some(0);
      return status_;
    }
    if (steady_clock::now() >= deadline) return -1;
  }
}

Finished run_process(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  Process process(argv, environment);
  const int status = process.wait(std::chrono::seconds(120));
  return {status, process.out(), process.err()};
}

}  // namespace conntruth::support
