#include "lab/lab.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "common/file.hpp"
#include "common/world/world_reader.hpp"
#include "lab/construction.hpp"
#include "lab/files.hpp"
#include "lab/kubernetes/control_plane.hpp"
#include "lab/kubernetes/daemons.hpp"
#include "lab/kubernetes/proxy_choice.hpp"
#include "lab/kubernetes/start.hpp"
#include "lab/removal.hpp"
#include "lab/reports.hpp"
#include "lab/spec.hpp"
#include "lab/topology/address_plan.hpp"
#include "lab/topology/process_table.hpp"
#include "lab/topology/spawn.hpp"

namespace conntruth::lab {

namespace {

constexpr std::chrono::seconds kProxyStart{60};  // a loaded machine; one that died is noticed at once

std::vector<InitProcess> inits_of(const std::string& lab, std::vector<InitProcess> inits) {
  std::erase_if(inits, [&](const InitProcess& init) { return init.lab != lab; });
  return inits;
}

template <typename Wanted>
pid_t find_inside(const InitProcess& init, const std::vector<Process>& processes, Wanted wanted) {
  const auto found = std::ranges::find_if(processes, [&](const Process& process) {
    return process.pid_namespace == init.process.pid_namespace && wanted(process);
  });
  return found == processes.end() ? 0 : found->pid;
}

pid_t reference_proxy_of(const InitProcess& init, const std::vector<Process>& processes) {
  return find_inside(init, processes, [](const Process& process) { return process.program() == kProxyProgram; });
}

ProgramState state_of(const std::string& name, const std::string& directory, const InitProcess& init,
                      const std::vector<Process>& processes) {
  const auto state = daemon_state(directory, init.node, name);
  if (state.inside == 0 || state.exit_code) return {name, 0, state.exit_code};
  return {name, find_inside(init, processes, [&](const Process& each) { return each.inside == state.inside; }), {}};
}

}  // namespace

Result<Lab> Lab::up(const LabSpec& wanted, const Progress& progress) {
  const auto forward = [](const Status& status) { return std::unexpected(status.error()); };
  auto spec = wanted;
  if (auto checked = check_lab_spec(spec); !checked) return forward(checked);
  if (auto allowed = check_privileges(spec); !allowed) return forward(allowed);
  if (auto found = resolve_programs(spec); !found) return forward(found);
  Lab lab(spec, plan_topology(spec));
  Construction construction(spec);
  if (auto done = construction.make_directory(); !done) return forward(done);
  if (auto done = construction.start_inits(); !done) return forward(done);
  if (auto done = construction.wire(); !done) return forward(done);
  if (uses_proxy(spec, kReference)) {
    // The first world has no Services: a proxy's report of it says that it is at work.
    if (auto done = lab.publish({0, lab.nodes(), {}, {}}); !done) return forward(done);
    if (auto done = construction.start_reference_proxies(lab.directory()); !done) return forward(done);
    if (auto done = await_generation(lab, 0, kProxyStart); !done) return forward(done);
  }
  if (auto done = construction.start_kubernetes(lab.directory(), progress); !done) return forward(done);
  if (auto done = construction.complete(); !done) return forward(done);
  lab.spec_ = construction.spec();
  return lab;
}

Result<Lab> Lab::open(const std::string& name) {
  if (auto checked = check_lab_name(name); !checked) return std::unexpected(checked.error());
  const bool alive = !inits_of(name, read_inits()).empty();
  if (!alive && !has_lab_directory(name)) {
    return fail(ErrorCode::kNotFound, fmt::format("no lab named {}; `conntruth lab list` shows what there is, "
                                                  "`conntruth lab up --name {}` makes it",
                                                  name, name));
  }
  const auto path = lab_directory(name) + "/spec.json";
  const auto text = read_file(path);
  if (!alive || !text) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("lab {} is incomplete: it is being made, or its creator or its nodes "
                            "were killed; `conntruth lab down {}` removes it",
                            name, name));
  }
  const auto spec = read_lab_spec(*text, path);
  if (!spec) return std::unexpected(spec.error());
  return Lab(*spec, plan_topology(*spec));
}

std::vector<std::string> Lab::list() {
  std::set<std::string> names;
  for (const auto& init : read_inits()) names.insert(init.lab);
  for (auto& name : lab_directories()) names.insert(std::move(name));
  return {names.begin(), names.end()};
}

Status Lab::down(const std::string& name) {
  if (auto checked = check_lab_name(name); !checked) return checked;
  if (auto allowed = check_privileges({.ipv6 = false}); !allowed) return allowed;
  return remove_lab(name);
}

std::vector<world::Node> Lab::nodes() const { return plan_nodes(spec_); }

std::string Lab::directory() const { return lab_directory(spec_.name); }

Result<std::vector<NodeProcess>> Lab::processes() const {
  const auto processes = read_processes();
  const auto inits = inits_of(spec_.name, inits_among(processes));
  std::vector<NodeProcess> result;
  for (const auto& node : topology_.nodes) {
    NodeProcess entry{node.name, 0, 0, proxy_of(spec_, node.name), {}};
    if (const auto init = std::ranges::find(inits, node.name, &InitProcess::node); init != inits.end()) {
      entry.init = init->process.pid;
      const auto state = state_of("proxy", directory(), *init, processes);
      entry.proxy = entry.kind == kReference ? reference_proxy_of(*init, processes) : state.pid;
      entry.proxy_exit = state.exit_code;
    }
    result.push_back(std::move(entry));
  }
  return result;
}

std::optional<KubernetesAccess> Lab::kubernetes() const {
  if (!spec_.kubernetes) return std::nullopt;
  const auto processes = read_processes();
  const auto inits = inits_of(spec_.name, inits_among(processes));
  const auto fabric = std::ranges::find(inits, kFabric, &InitProcess::node);
  if (fabric == inits.end()) return std::nullopt;
  std::vector<ProgramState> programs;
  const auto add = [&](const InitProcess& init, std::initializer_list<const char*> names) {
    for (const auto* name : names) {
      programs.push_back(state_of(name, directory(), init, processes));
      programs.back().place = init.node;
    }
  };
  add(*fabric, {"etcd", "kube-apiserver"});
  if (spec_.kubernetes->kubelets) {
    add(*fabric, {"kube-controller-manager", "kube-scheduler"});
    for (const auto& node : topology_.nodes) {
      const auto init = std::ranges::find(inits, node.name, &InitProcess::node);
      if (init != inits.end()) add(*init, {"containerd", "kubelet"});
    }
  }
  return KubernetesAccess{directory() + "/kubernetes/admin.kubeconfig",
                          fmt::format("/proc/{}/ns/net", fabric->process.pid),
                          spec_.kubernetes->version,
                          api_url(spec_),
                          spec_.kubernetes->kubelets,
                          std::move(programs)};
}

Status Lab::publish(const world::World& world) {
  if (spec_.kubernetes && !uses_proxy(spec_, kReference)) {
    return fail(ErrorCode::kUnsupported, fmt::format("the proxies of lab {} follow its Kubernetes API; write Services "
                                                     "there, with {}/kubernetes/admin.kubeconfig",
                                                     spec_.name, directory()));
  }
  return write_whole_file(directory() + "/world.json", world::write_world(world));
}

Result<pid_t> Lab::start(const std::string& node, const Command& command) const {
  if (command.argv.empty()) return fail(ErrorCode::kInvalidInput, "no command given");
  const bool known = topology_.node(node) != nullptr || node == kExternal || node == kFabric;
  if (!known) {
    return fail(ErrorCode::kNotFound, fmt::format("lab {} has no node {}; it has node-1 to node-{}, {} and {}",
                                                  spec_.name, node, spec_.nodes, kExternal, kFabric));
  }
  const auto* owner = command.pod.empty() ? nullptr : topology_.node_of_pod(command.pod);
  if (!command.pod.empty() && (owner == nullptr || owner->name != node)) {
    return fail(ErrorCode::kNotFound, fmt::format("{} has no pod {}; its pods are {}-pod-0 to {}-pod-{}", node,
                                                  command.pod, node, node, spec_.pods_per_node - 1));
  }
  const auto inits = inits_of(spec_.name, read_inits());
  const auto init = std::ranges::find(inits, node, &InitProcess::node);
  const auto pidfd = init == inits.end() ? Result<Fd>(fail(ErrorCode::kNotFound, "")) : open_process(init->process);
  if (!pidfd) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} of lab {} is gone (its init ended); remove the lab with "
                                                     "`conntruth lab down {}` and make it again",
                                                     node, spec_.name, spec_.name));
  }
  const auto netns = owner == nullptr ? std::string() : topology_.pod(command.pod)->netns;
  auto started = start_inside({pidfd->get(), netns, command.argv, command.output_path, command.die_with_caller});
  if (!started) return std::unexpected(started.error().in(node));
  return started;
}

Result<int> Lab::run(const std::string& node, const Command& command) const {
  const auto pid = start(node, command);
  if (!pid) return std::unexpected(pid.error());
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno(fmt::format("wait for process {}", *pid), errno);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace conntruth::lab
