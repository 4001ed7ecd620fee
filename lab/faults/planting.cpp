#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "common/file.hpp"
#include "lab/faults/faults.hpp"
#include "lab/files.hpp"
#include "lab/topology/fd.hpp"
#include "lab/topology/process_table.hpp"

namespace conntruth::lab {

namespace {

std::string mark_directory(const Lab& lab) { return lab.directory() + "/faults"; }

std::string mark_path(const Lab& lab, const Fault& fault, const std::string& node) {
  return fmt::format("{}/{}@{}", mark_directory(lab), fault.id, node);
}

std::string text_of(const std::vector<IpAddress>& addresses, Family family) {
  const auto address = address_of(addresses, family);
  return address.is_unspecified() ? "" : address.to_string();
}

Result<pid_t> proxy_inside(const Lab& lab, const std::string& node) {
  const auto processes = lab.processes();
  if (!processes) return std::unexpected(processes.error());
  const auto found = std::ranges::find(*processes, node, &NodeProcess::node);
  if (found == processes->end() || found->proxy == 0) return 0;
  const auto process = read_process(found->proxy);
  return process ? process->inside : 0;
}

// The script's environment as arguments of env(1).
Result<std::vector<std::string>> environment(const Lab& lab, const std::string& node) {
  const auto proxy = proxy_inside(lab, node);
  if (!proxy) return std::unexpected(proxy.error());
  const auto& self = *lab.topology().node(node);
  const auto& pod = self.pods.front();
  return std::vector<std::string>{
      "env",
      "LAB=" + lab.spec().name,
      "LAB_DIR=" + lab.directory(),
      "NODE=" + node,
      "NODE_IPV4=" + text_of(self.addresses, Family::kIpv4),
      "NODE_IPV6=" + text_of(self.addresses, Family::kIpv6),
      "POD=" + pod.name,
      "POD_IPV4=" + text_of(pod.addresses, Family::kIpv4),
      "POD_IPV6=" + text_of(pod.addresses, Family::kIpv6),
      "POD_DEVICE=" + pod.device,
      "PROXY_PID=" + (*proxy == 0 ? "" : std::to_string(*proxy)),
  };
}

std::string last_line(const std::string& path) {
  auto text = read_file(path).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

Status run_script(const Lab& lab, const Fault& fault, const std::string& node, const std::string& script,
                  std::string_view verb) {
  auto argv = environment(lab, node);
  if (!argv) return std::unexpected(argv.error());
  argv->insert(argv->end(), {"sh", "-euc", script});
  Lab::Command command;
  command.argv = std::move(*argv);
  command.output_path = fmt::format("{}/log/fault-{}-{}.log", lab.directory(), fault.id, node);
  command.die_with_caller = true;
  const auto status = lab.run(node, command);
  if (!status) return std::unexpected(status.error());
  if (*status == 0) return {};
  return fail(ErrorCode::kUnavailable, fmt::format("fault {}: its {} script ended with status {} on {}: {}", fault.id,
                                                   verb, *status, node, last_line(command.output_path)));
}

Status check_needs(const Lab& lab, const Fault& fault, const std::string& node) {
  const auto& needs = fault.needs;
  const auto& spec = lab.spec();
  const auto lacks = [&](std::string_view what) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("fault {} needs {}, which lab {} lacks", fault.id, what, spec.name));
  };
  if (needs.ipv4 && !spec.ipv4) return lacks("IPv4");
  if (needs.ipv6 && !spec.ipv6) return lacks("IPv6");
  if (spec.nodes < needs.nodes) return lacks(fmt::format("{} nodes", needs.nodes));
  if (spec.pods_per_node < needs.pods) return lacks(fmt::format("{} pods per node", needs.pods));
  const auto proxy = proxy_inside(lab, node);
  if (!proxy) return std::unexpected(proxy.error());
  if (needs.proxy && *proxy == 0) return lacks("a running proxy on " + node);
  return {};
}

Result<std::string> choose_node(const Lab& lab, const Fault& fault, const std::string& node) {
  auto chosen = node.empty() ? fault.default_node : node;
  if (lab.topology().node(chosen) != nullptr) return chosen;
  return fail(ErrorCode::kNotFound, fmt::format("lab {} has no node {}; choose one of node-1 to node-{} with --node",
                                                lab.spec().name, chosen, lab.spec().nodes));
}

Status mark(const Lab& lab, const Fault& fault, const std::string& node) {
  if (::mkdir(mark_directory(lab).c_str(), 0755) != 0 && errno != EEXIST) {
    return fail_errno("mkdir " + mark_directory(lab), errno);
  }
  const auto path = mark_path(lab, fault, node);
  const Fd file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
  if (file) return {};
  if (errno != EEXIST) return fail_errno("create " + path, errno);
  return fail(ErrorCode::kConflict, fmt::format("fault {} is planted on {} already; `conntruth lab fault heal {} {} "
                                                "--node {}` removes it",
                                                fault.id, node, lab.spec().name, fault.id, node));
}

}  // namespace

std::vector<PlantedFault> planted_faults(const Lab& lab) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(mark_directory(lab), error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::ranges::sort(names);
  std::vector<PlantedFault> planted;
  for (const auto& name : names) {
    const auto at = name.find('@');
    if (at != std::string::npos) planted.push_back({name.substr(0, at), name.substr(at + 1)});
  }
  return planted;
}

Status plant_fault(const Lab& lab, const Fault& fault, const std::string& node) {
  const auto chosen = choose_node(lab, fault, node);
  if (!chosen) return std::unexpected(chosen.error());
  if (auto met = check_needs(lab, fault, *chosen); !met) return met;
  if (auto marked = mark(lab, fault, *chosen); !marked) return marked;
  auto planted = run_script(lab, fault, *chosen, fault.plant, "plant");
  if (planted) return planted;
  [[maybe_unused]] const auto healed = run_script(lab, fault, *chosen, fault.heal, "heal");
  ::unlink(mark_path(lab, fault, *chosen).c_str());
  return planted;
}

Status heal_fault(const Lab& lab, const Fault& fault, const std::string& node) {
  const auto chosen = choose_node(lab, fault, node);
  if (!chosen) return std::unexpected(chosen.error());
  const auto path = mark_path(lab, fault, *chosen);
  if (::access(path.c_str(), F_OK) != 0) {
    return fail(ErrorCode::kNotFound, fmt::format("fault {} is not planted on {}; `conntruth lab fault list {}` shows "
                                                  "what is",
                                                  fault.id, *chosen, lab.spec().name));
  }
  if (auto healed = run_script(lab, fault, *chosen, fault.heal, "heal"); !healed) return healed;
  ::unlink(path.c_str());
  return {};
}

}  // namespace conntruth::lab
