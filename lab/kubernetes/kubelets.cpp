#include "lab/kubernetes/kubelets.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lab/files.hpp"
#include "lab/kubernetes/cluster_parts.hpp"
#include "lab/kubernetes/node_runtime.hpp"
#include "lab/topology/address_plan.hpp"
#include "lab/topology/spawn.hpp"

namespace conntruth::lab {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{120};  // for a loaded machine; a program that ended is noticed at once

// Whether somebody accepts connections at this unix socket of a node.
Status answers(const Place& place, const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const auto seen = fmt::format("/proc/{}/root{}", place.init, path);
  if (seen.size() >= sizeof address.sun_path) return fail(ErrorCode::kInternal, seen + " is too long");
  std::ranges::copy(seen, address.sun_path);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
  return fail_errno("connect to " + path, errno);
}

}  // namespace

const Place& Kubelets::fabric() const { return *std::ranges::find(places_, kFabric, &Place::name); }

// The script's output goes to log/NODE-WHAT.log; the nodes work side by side.
Status Kubelets::on_each_node(const std::string& what, const std::string& script) {
  struct Work {
    const Place* place;
    pid_t pid;
    std::string log;
  };
  std::vector<Work> works;
  Status result;
  for (const auto& place : places_) {
    if (place.name == kFabric) continue;
    Inside inside;
    inside.init_pidfd = place.init_pidfd;
    inside.argv = {"/bin/sh", "-c", script};
    inside.output_path = fmt::format("{}/log/{}-{}.log", lab_directory(spec_.name), place.name, what);
    inside.die_with_caller = true;
    const auto pid = start_inside(inside);
    if (!pid) result = std::unexpected(pid.error().in(place.name));
    if (pid) works.push_back({&place, *pid, inside.output_path});
  }
  for (const auto& work : works) {
    int status = 0;
    while (::waitpid(work.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!result || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) continue;
    result = fail(ErrorCode::kInternal, fmt::format("{}: {} failed; {}", work.place->name, what, log_end(work.log)));
  }
  return result;
}

// containerd takes all plug-ins from one folder.
Status Kubelets::link_plugins(const ContainerRuntime& runtime) {
  const auto own = program_beside_us(kCniProgram);
  if (!own) return std::unexpected(own.error());
  if (::mkdir(plugins().c_str(), 0755) != 0) return fail_errno("mkdir " + plugins(), errno);
  for (const auto& path : {*own, runtime.cni + "/host-local", runtime.cni + "/loopback"}) {
    const auto link = plugins() + path.substr(path.rfind('/'));
    if (::symlink(path.c_str(), link.c_str()) != 0) return fail_errno("link " + link, errno);
  }
  return {};
}

Status Kubelets::write_files(const ContainerRuntime& runtime) {
  for (unsigned node = 1; node <= spec_.nodes; ++node) {
    const auto name = plan_node(spec_, node).name;
    const NodeFiles files{directory_ + "/" + name};
    if (::mkdir(files.cni().c_str(), 0755) != 0) return fail_errno("mkdir " + files.cni(), errno);
    const std::vector<std::pair<std::string, std::string>> contents{
        {files.containerd(), containerd_config(runtime, plugins(), files)},
        {files.cni() + "/lab.conflist", cni_config(spec_, node)},
        {files.kubelet(), kubelet_config(spec_)}};
    for (const auto& [path, content] : contents) {
      if (auto written = write_whole_file(path, content); !written) return written;
    }
  }
  return {};
}

Status Kubelets::start_runtimes() {
  const auto runtime = programs_.containers();
  if (!runtime) return std::unexpected(runtime.error());
  if (auto linked = link_plugins(*runtime); !linked) return linked;
  if (auto written = write_files(*runtime); !written) return written;
  if (auto mounted = on_each_node("mounts", mount_script(spec_.name)); !mounted) return mounted;
  for (const auto& place : places_) {
    if (place.name == kFabric) continue;
    const NodeFiles files{directory_ + "/" + place.name};
    // containerd looks for its shim in $PATH, the keeper's shell has added what runc and the plug-ins need.
    const std::vector<std::string> argv{"/bin/sh", "-c",
                                        fmt::format("PATH={}:$PATH; {}", runtime->programs, containerd_script()), "sh",
                                        files.containerd()};
    if (auto started = daemons_.start(place, "containerd", "containerd", argv); !started) return started;
  }
  return {};
}

Status Kubelets::load_images() {
  const auto runtime = programs_.containers();
  if (!runtime) return std::unexpected(runtime.error());
  const auto deadline = Clock::now() + kPatience;
  for (const auto& place : places_) {
    if (place.name == kFabric) continue;
    const auto up = daemons_.await(place, "containerd", deadline, [&] { return answers(place, kContainerdSocket); });
    if (!up) return up;
  }
  std::string script = "set -e\n";
  for (const auto* name : {"pause", "coredns"}) {
    const auto image = programs_.image(name);
    if (!image) return std::unexpected(image.error());
    script += fmt::format("{}/ctr -n k8s.io images import '{}'\n", runtime->programs, *image);
  }
  return on_each_node("images", script);
}

Status Kubelets::start_program(const Place& place, const std::string& program, std::vector<std::string> arguments) {
  const auto found = programs_.find(program, "", spec_.kubernetes->version);
  if (!found) return std::unexpected(found.error());
  arguments.insert(arguments.begin(), found->path);
  return daemons_.start(place, program, program, std::move(arguments));
}

Status Kubelets::start(const ApiServer& api) {
  if (auto started =
          start_program(fabric(), "kube-controller-manager", controller_manager_arguments(spec_, directory_));
      !started) {
    return started;
  }
  if (auto started = start_program(fabric(), "kube-scheduler", scheduler_arguments(directory_)); !started) {
    return started;
  }
  for (unsigned node = 1; node <= spec_.nodes; ++node) {
    const auto name = plan_node(spec_, node).name;
    const auto& place = *std::ranges::find(places_, name, &Place::name);
    auto started = start_program(place, "kubelet", kubelet_arguments(spec_, node, {directory_ + "/" + name}));
    if (!started) return started;
  }
  const auto deadline = Clock::now() + kPatience;
  for (const auto& object : dns_objects(spec_)) {
    // The namespace appears a moment after the API server says that it is ready.
    const auto made = daemons_.await(fabric(), "kube-apiserver", deadline,
                                     [&] { return api.create(object.collection, object.json); });
    if (!made) return std::unexpected(made.error().in("make the objects of CoreDNS"));
  }
  return {};
}

Status Kubelets::await_nodes(const ApiServer& api) {
  const auto deadline = Clock::now() + kPatience;
  for (const auto& place : places_) {
    if (place.name == kFabric) continue;
    const auto ready = daemons_.await(place, "kubelet", deadline, [&]() -> Status {
      const auto node = api.read("/api/v1/nodes/" + place.name);
      if (!node) return std::unexpected(node.error());
      if (is_ready_node(*node)) return {};
      return fail(ErrorCode::kUnavailable, "its Node is not Ready");
    });
    if (!ready) return ready;
  }
  return {};
}

Status Kubelets::await_dns(const ApiServer& api) {
  return daemons_.await(fabric(), "kube-controller-manager", Clock::now() + kPatience, [&]() -> Status {
    const auto deployment = api.read(std::string(kDnsDeployment));
    if (!deployment) return std::unexpected(deployment.error());
    if (is_available(*deployment)) return {};
    return fail(ErrorCode::kUnavailable, "CoreDNS has no pods available; `kubectl -n kube-system describe pods`");
  });
}

}  // namespace conntruth::lab
