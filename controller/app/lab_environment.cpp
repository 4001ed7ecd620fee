#include "controller/app/lab_environment.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <ranges>
#include <utility>

namespace conntruth::app {

namespace {

// Agents that probe at the same time. All of a big lab at once would have a few probes under way each: every one wakes
// somebody, and meets the cold caches of another node.
constexpr std::size_t kAtATime = 6;

// How many times longer than usual everything may take: 1 up to a load of eight for each core, 5 at most. With dozens
// of processes for each core a thread that sleeps has been seen to wait more than a second for its turn.
int machine_slowness() {
  constexpr double kUsual = 8;
  double load = 0;
  if (getloadavg(&load, 1) != 1) return 1;
  const auto cores = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  return std::clamp(static_cast<int>(std::ceil(load / (kUsual * static_cast<double>(cores)))), 1, 5);
}

std::string lock_path(const lab::Lab& lab) { return lab.directory() + "/run.lock"; }

std::string holder_of(int descriptor) {
  std::array<char, 32> text{};
  const auto length = pread(descriptor, text.data(), text.size() - 1, 0);
  return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : "unknown";
}

// The lock's owner writes its pid into the file, for the message of whoever comes second.
Result<int> lock_lab(const lab::Lab& lab) {
  const int descriptor = ::open(lock_path(lab).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return fail_errno("open " + lock_path(lab), errno);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const auto holder = holder_of(descriptor);
    close(descriptor);
    return fail(ErrorCode::kConflict, "lab " + lab.spec().name + " is in use by a run with pid " + holder +
                                          "; wait for it, or bring up another lab with `conntruth lab up --name NAME`");
  }
  const auto pid = std::to_string(getpid());
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
    const int number = errno;
    close(descriptor);
    return fail_errno("write " + lock_path(lab), number);
  }
  return descriptor;
}

// Ends the process, by force where it does not go in time, and collects it.
void end_process(pid_t pid) {
  constexpr int kPatienceMs = 3000;
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  kill(pid, SIGTERM);
  if (handle >= 0) {
    pollfd entry{handle, POLLIN, 0};
    if (poll(&entry, 1, kPatienceMs) <= 0) kill(pid, SIGKILL);
    close(handle);
  }
  waitpid(pid, nullptr, 0);
}

}  // namespace

Result<LabEnvironment> LabEnvironment::open(const std::string& lab_name, AgentSettings settings) {
  auto lab = lab::Lab::open(lab_name);
  if (!lab) return std::unexpected(lab.error());
  if (access(settings.program.c_str(), X_OK) != 0) {
    return fail(ErrorCode::kNotFound, "no agent program at " + settings.program + "; `./run build` makes it");
  }
  auto lock = lock_lab(*lab);
  if (!lock) return std::unexpected(lock.error());
  auto delivery = delivery_for(*lab);
  if (!delivery) {
    close(*lock);
    return std::unexpected(delivery.error());
  }
  return LabEnvironment(std::move(*lab), std::move(*delivery), std::move(settings), *lock);
}

LabEnvironment::LabEnvironment(LabEnvironment&& other) noexcept
    : lab_(std::move(other.lab_)),
      delivery_(std::move(other.delivery_)),
      settings_(std::move(other.settings_)),
      lock_(std::exchange(other.lock_, -1)),
      agents_(std::exchange(other.agents_, {})) {}

LabEnvironment::~LabEnvironment() {
  stop_agents();
  if (lock_ < 0) return;
  std::error_code ignored;
  std::filesystem::remove(controller_endpoint().substr(5), ignored);
  close(lock_);
}

std::string LabEnvironment::kernel() const {
  utsname names{};
  return uname(&names) == 0 ? std::string(names.release) : "unknown";
}

std::map<std::string, std::string> LabEnvironment::dataplanes() const {
  std::map<std::string, std::string> result;
  const auto processes = lab_.processes();
  if (!processes) return result;
  for (const auto& node : *processes) result[node.node] = node.kind;
  return result;
}

Environment::Patience LabEnvironment::patience() const {
  auto patience = delivery_->patience();
  const auto slowness = machine_slowness();
  for (auto* each : {&patience.bound, &patience.limit, &patience.old_flows, &patience.answer}) *each *= slowness;
  return patience;
}

std::string LabEnvironment::controller_endpoint() const { return "unix:" + lab_.directory() + "/controller.sock"; }

// All places of a lab share one machine: its cores are busy with this many, and more only wait for longer, until a
// stall of the machine makes losses of them. Every packet passes one queue of each core (net.core.netdev_max_backlog,
// 1000).
std::size_t LabEnvironment::awaited_by_each() const {
  constexpr std::size_t kByAll = 512;
  auto places = topology().external_clients.size();
  for (const auto& node : topology().nodes | std::views::take(kAtATime)) places += 1 + node.pods.size();
  return std::clamp<std::size_t>(kByAll / places, 8, 256);
}

std::size_t LabEnvironment::at_a_time() const { return kAtATime; }

Status LabEnvironment::start_agent(const std::string& place, const std::vector<Pod>& pods,
                                   const std::string& endpoint) {
  lab::Lab::Command command;
  command.argv = {settings_.program, "--node", place, "--controller", endpoint};
  command.argv.insert(command.argv.end(), {"--budget", std::to_string(settings_.budget_pps)});
  command.argv.insert(command.argv.end(), {"--awaited", std::to_string(awaited_by_each())});
  for (const auto& pod : pods) {
    command.argv.emplace_back("--place");
    command.argv.push_back(pod.name + "=" + pod.netns);
  }
  command.output_path = lab_.directory() + "/log/" + place + "-agent.log";
  command.die_with_caller = true;
  auto pid = lab_.start(place, command);
  if (!pid) return std::unexpected(pid.error().in("agent of " + place));
  agents_.push_back(*pid);
  return {};
}

Status LabEnvironment::start_agents(const std::string& endpoint) {
  for (const auto& node : topology().nodes) {
    if (auto started = start_agent(node.name, node.pods, endpoint); !started) return started;
  }
  for (const auto& client : topology().external_clients) {
    if (auto started = start_agent(client.name, {}, endpoint); !started) return started;
  }
  return {};
}

void LabEnvironment::stop_agents() {
  for (const auto pid : agents_) end_process(pid);
  agents_.clear();
}

}  // namespace conntruth::app
