#include "lab/kubernetes/daemons.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "common/file.hpp"
#include "lab/files.hpp"
#include "lab/topology/spawn.hpp"

namespace conntruth::lab {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenTries{50};
constexpr std::size_t kLogLines = 3;
constexpr std::size_t kLogLine = 300;

// Standing between a program and the node's init, which only reaps. The status is written by a rename: no reader sees
// half of it.
constexpr const char* kKeeper =
    "PATH=$PATH:/usr/sbin:/sbin; base=$1; shift; \"$@\" & echo $! >\"$base.pid\"; wait $!; "
    "echo $? >\"$base.tmp\"; mv \"$base.tmp\" \"$base.exit\"";

std::string state_path(const std::string& directory, const std::string& node, const std::string& name) {
  return fmt::format("{}/run/{}-{}", directory, node, name);
}

std::string trimmed(const std::string& line) {
  const auto first = line.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
}

std::optional<int> number_in(const std::string& path) {
  const auto text = read_file(path);
  int number = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc())
    return std::nullopt;
  return number;
}

}  // namespace

DaemonState daemon_state(const std::string& directory, const std::string& node, const std::string& name) {
  const auto base = state_path(directory, node, name);
  return {number_in(base + ".pid").value_or(0), number_in(base + ".exit")};
}

std::string log_end(const std::string& path) {
  const auto text = read_file(path).value_or("");
  std::vector<std::string> lines;
  std::size_t end = text.size();
  while (end > 0 && lines.size() < kLogLines) {
    const auto begin = text.rfind('\n', end - 1);
    const auto first = begin == std::string::npos ? 0 : begin + 1;
    if (auto line = trimmed(text.substr(first, end - first)); !line.empty()) lines.push_back(line.substr(0, kLogLine));
    end = begin == std::string::npos ? 0 : begin;
  }
  std::ranges::reverse(lines);
  return lines.empty() ? "it printed nothing" : fmt::format("the end of its log: {}", fmt::join(lines, " | "));
}

Result<Daemons> Daemons::watch(const std::string& directory) {
  Daemons daemons;
  daemons.directory_ = directory;
  daemons.events_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const auto run = directory + "/run";
  if (!daemons.events_ || ::inotify_add_watch(daemons.events_.get(), run.c_str(), IN_MOVED_TO) < 0) {
    return fail_errno("watch " + run, errno);
  }
  return daemons;
}

std::string Daemons::log_of(const Daemon& daemon) const {
  return fmt::format("{}/log/{}-{}.log", directory_, daemon.node, daemon.name);
}

Status Daemons::start(const Place& place, const std::string& name, const std::string& title,
                      std::vector<std::string> argv) {
  daemons_.push_back({place.name, name, title, place.init_pidfd});
  Inside inside;
  inside.init_pidfd = place.init_pidfd;
  inside.argv = {"sh", "-c", kKeeper, "sh", state_path(directory_, place.name, name)};
  inside.argv.insert(inside.argv.end(), argv.begin(), argv.end());
  inside.output_path = log_of(daemons_.back());
  auto started = start_daemon_inside(inside);
  return started ? started : std::unexpected(started.error().in(fmt::format("{}: {}", place.name, title)));
}

Status Daemons::check_alive() const {
  for (const auto& daemon : daemons_) {
    if (const auto state = daemon_state(directory_, daemon.node, daemon.name); state.exit_code) {
      return fail(ErrorCode::kUnavailable, fmt::format("{}: {} ended with exit status {}; {}", daemon.node,
                                                       daemon.title, *state.exit_code, log_end(log_of(daemon))));
    }
    pollfd init{daemon.init_pidfd, POLLIN, 0};
    if (::poll(&init, 1, 0) > 0) return fail(ErrorCode::kUnavailable, daemon.node + " is gone (its init ended)");
  }
  return {};
}

void Daemons::wait_for_news(std::chrono::milliseconds most) const {
  std::vector<pollfd> waits{{events_.get(), POLLIN, 0}};
  for (const auto& daemon : daemons_) waits.push_back({daemon.init_pidfd, POLLIN, 0});
  if (::poll(waits.data(), waits.size(), static_cast<int>(most.count())) <= 0) return;
  std::array<char, 4096> drained{};
  [[maybe_unused]] const auto length = ::read(events_.get(), drained.data(), drained.size());
}

Status Daemons::await(const Place& place, const std::string& name, Clock::time_point deadline,
                      const std::function<Status()>& ready) {
  const auto daemon =
      std::ranges::find_if(daemons_, [&](const Daemon& each) { return each.node == place.name && each.name == name; });
  while (true) {
    if (auto alive = check_alive(); !alive) return alive;
    const auto answer = ready();
    if (answer) return {};
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{}: {} did not become ready in time: {}; {}", daemon->node, daemon->title,
                              answer.error().message, log_end(log_of(*daemon))));
    }
    wait_for_news(kBetweenTries);
  }
}

}  // namespace conntruth::lab
