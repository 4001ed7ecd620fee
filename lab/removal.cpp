#include "lab/removal.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "lab/files.hpp"
#include "lab/topology/cgroups.hpp"
#include "lab/topology/process_table.hpp"

namespace conntruth::lab {

namespace {

constexpr int kPatience = 20000;  // milliseconds; a namespace with thousands of sockets takes a while to end

bool await_end(const Fd& pidfd, std::chrono::steady_clock::time_point deadline) {
  pollfd wait{pidfd.get(), POLLIN, 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max<long>(left, 0)));
    if (ready > 0) break;
    if (ready == 0 || errno != EINTR) return false;
  }
  siginfo_t information{};
  ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &information, WEXITED | WNOHANG);  // ours to reap, or ECHILD
  return true;
}

struct Victims {
  std::vector<Fd> inits;
  std::vector<pid_t> own_children;
  std::vector<Process> strangers;  // inside the lab, with a parent outside that is neither we nor an init
};

Victims find_victims(const std::string& lab) {
  const auto processes = read_processes();
  Victims victims;
  std::vector<std::uint64_t> namespaces;
  std::vector<pid_t> inits;
  for (const auto& init : inits_among(processes)) {
    if (init.lab != lab) continue;
    auto pidfd = open_process(init.process);
    if (!pidfd) continue;
    victims.inits.push_back(std::move(*pidfd));
    namespaces.push_back(init.process.pid_namespace);
    inits.push_back(init.process.pid);
  }
  for (const auto& process : processes) {
    if (process.pid_namespace == 0 || process.inside == 1) continue;
    if (std::ranges::find(namespaces, process.pid_namespace) == namespaces.end()) continue;
    const auto parent = std::ranges::find(processes, process.parent, &Process::pid);
    if (process.parent == ::getpid()) {
      victims.own_children.push_back(process.pid);
    } else if (parent == processes.end() || parent->pid_namespace != process.pid_namespace) {
      victims.strangers.push_back(process);
    }
  }
  return victims;
}

Error not_gone(const std::string& name, const std::vector<Process>& strangers) {
  for (const auto& process : strangers) {
    const auto now = read_process(process.pid);
    if (!now || now->start_time != process.start_time) continue;
    return {
        ErrorCode::kUnavailable,
        fmt::format("lab {}: process {} ({}) is dead but its parent {} has not reaped it; end that one and try again",
                    name, process.pid, process.program(), now->parent)};
  }
  return {ErrorCode::kUnavailable, fmt::format("lab {}: its processes do not end; try again", name)};
}

}  // namespace

bool end_inits(const std::vector<Fd>& pidfds, int milliseconds) {
  for (const auto& pidfd : pidfds) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  return std::ranges::all_of(pidfds, [&](const Fd& pidfd) { return await_end(pidfd, deadline); });
}

Status remove_lab(const std::string& name) {
  bool found = has_lab_directory(name);
  // Again until a look finds nothing: a creator at work may add inits while we kill others.
  for (auto victims = find_victims(name); !victims.inits.empty(); victims = find_victims(name)) {
    found = true;
    for (const auto& pidfd : victims.inits) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    for (const pid_t child : victims.own_children) ::waitpid(child, nullptr, 0);
    if (!end_inits(victims.inits, kPatience)) return std::unexpected(not_gone(name, victims.strangers));
  }
  if (!found) {
    return fail(ErrorCode::kNotFound, fmt::format("no lab named {}; `conntruth lab list` shows what there is", name));
  }
  // What is left of cgroups is found by its name at the next try, so the directory stays until then.
  if (auto removed = remove_cgroups(name); !removed) return std::unexpected(removed.error().in("lab " + name));
  remove_lab_directory(name);
  return {};
}

}  // namespace conntruth::lab
