#include "lab/cni/plugin.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>

#include "lab/cni/pod_network.hpp"
#include "lab/topology/fd.hpp"
#include "lab/topology/spawn.hpp"

extern char** environ;

namespace conntruth::lab {

namespace {

constexpr const char* kOwnNamespace = "/proc/self/ns/net";

Result<std::string> find_ipam(const std::string& folders) {
  std::istringstream list(folders);
  for (std::string folder; std::getline(list, folder, ':');) {
    auto path = folder + "/host-local";
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return fail(ErrorCode::kNotFound, "no host-local in CNI_PATH " + folders);
}

std::string content_of(const Fd& file) {
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t length = 0;
  while ((length = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(text.size()))) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
  return text;
}

// The same call to host-local: it reads the same environment and input.
Result<std::string> ask_ipam(const PluginCall& call) {
  auto program = find_ipam(call.folders);
  if (!program) return program;
  const Fd input(::memfd_create("cni-input", 0));
  const Fd output(::memfd_create("cni-output", 0));
  const auto size = static_cast<ssize_t>(call.input.size());
  if (!input || !output || ::pwrite(input.get(), call.input.data(), call.input.size(), 0) != size) {
    return fail_errno("pass the configuration to host-local", errno);
  }
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  std::array<char*, 2> argv{program->data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, program->c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno("start " + *program, error);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  auto text = content_of(output);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return fail(ErrorCode::kInternal, fmt::format("host-local failed: {}", text));
}

Status run_ip(const std::string& what, const std::string& netns, const std::string& commands) {
  return run_tools({{what, netns, {"ip", "-batch", "-"}, commands}}, 1);
}

Result<std::string> add(const PluginCall& call) {
  const auto told = ask_ipam(call);
  if (!told) return told;
  const auto addresses = read_ipam_result(*told);
  if (!addresses) return std::unexpected(addresses.error());
  const auto device = host_device(call.container);
  const auto host = host_commands(*addresses, device, call.device, call.netns);
  if (auto done = run_ip("the node's end", kOwnNamespace, host); !done) return std::unexpected(done.error());
  const auto pod = pod_commands(*addresses, call.device);
  if (auto done = run_ip("the pod's end", call.netns, pod); !done) return std::unexpected(done.error());
  return add_result(*addresses, device, call.device, call.netns);
}

// May come twice, and for what was never made: what is gone is gone.
Result<std::string> remove(const PluginCall& call) {
  [[maybe_unused]] const auto done =
      run_ip("the node's end", kOwnNamespace, fmt::format("link del {}\n", host_device(call.container)));
  const auto told = ask_ipam(call);
  if (!told) return told;
  return std::string();
}

}  // namespace

PluginCall read_call(const std::function<const char*(const char*)>& variable, std::string input) {
  const auto text = [&](const char* name) -> std::string {
    const char* value = variable(name);
    return value == nullptr ? "" : value;
  };
  return {text("CNI_COMMAND"), text("CNI_CONTAINERID"), text("CNI_NETNS"),
          text("CNI_IFNAME"),  text("CNI_PATH"),        std::move(input)};
}

Result<std::string> answer(const PluginCall& call) {
  if (call.command == "VERSION") return version_result();
  if (call.command == "CHECK") return std::string();
  if (call.command == "DEL" && !call.container.empty()) return remove(call);
  if (call.command == "ADD" && !call.container.empty() && !call.netns.empty() && !call.device.empty()) return add(call);
  return fail(ErrorCode::kInvalidInput,
              fmt::format("CNI_COMMAND \"{}\" needs CNI_CONTAINERID, and ADD also CNI_NETNS and CNI_IFNAME; containerd "
                          "starts this program",
                          call.command));
}

}  // namespace conntruth::lab
