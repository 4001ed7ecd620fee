#include "lab/construction.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "lab/files.hpp"
#include "lab/kubernetes/proxy_choice.hpp"
#include "lab/kubernetes/start.hpp"
#include "lab/removal.hpp"
#include "lab/spec.hpp"
#include "lab/topology/address_plan.hpp"
#include "lab/topology/cgroups.hpp"
#include "lab/topology/process_table.hpp"
#include "lab/topology/wiring.hpp"

namespace conntruth::lab {

namespace {

constexpr unsigned kCapNetAdmin = 12;  // linux/capability.h
constexpr unsigned kCapSysAdmin = 21;

bool has_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string key, value; status >> key; std::getline(status, value)) {
    if (key != "CapEff:") continue;
    std::uint64_t bits = 0;
    status >> std::hex >> bits;
    const auto wanted = (1ULL << kCapNetAdmin) | (1ULL << kCapSysAdmin);
    return ::geteuid() == 0 && (bits & wanted) == wanted;
  }
  return false;
}

std::string pod_list(const TopologyNode& node) {
  std::string names;
  for (const auto& pod : node.pods) names += pod.name + " ";
  return names;
}

}  // namespace

Status check_privileges(const LabSpec& spec) {
  if (!has_capabilities()) {
    return fail(ErrorCode::kPermission, "a lab needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN); try again with sudo");
  }
  if (spec.ipv6 && ::access("/proc/sys/net/ipv6", F_OK) != 0) {
    return fail(ErrorCode::kUnsupported, "this kernel has no IPv6; use --ip-families ipv4");
  }
  return {};
}

Construction::~Construction() {
  if (complete_) return;
  std::vector<Fd> pidfds;
  for (auto& member : members_) pidfds.push_back(std::move(member.init.pidfd));
  [[maybe_unused]] const bool ended = end_inits(pidfds, 5000);       // what stays dies with the life line
  [[maybe_unused]] const auto removed = remove_cgroups(spec_.name);  // the error that brought us here counts
  if (owns_directory_) remove_lab_directory(spec_.name);
}

Status Construction::make_directory() {
  const auto inits = read_inits();
  if (std::ranges::find(inits, spec_.name, &InitProcess::lab) != inits.end()) {
    return fail(ErrorCode::kConflict, fmt::format("lab {} exists; use another name or remove it with "
                                                  "`conntruth lab down {}`",
                                                  spec_.name, spec_.name));
  }
  if (auto made = make_lab_directory(spec_.name); !made) return made;
  owns_directory_ = true;
  return {};
}

Status Construction::start_inits() {
  const auto program = program_beside_us(kInitProgram);
  if (!program) return std::unexpected(program.error());
  auto line = LifeLine::make();
  if (!line) return std::unexpected(line.error());
  life_line_ = std::move(*line);
  const auto add = [&](const std::string& name, const std::string& pods) -> Status {
    auto init = start_init(*program, spec_.name, name, pods, life_line_);
    if (!init) return std::unexpected(init.error());
    members_.push_back({name, std::move(*init)});
    return {};
  };
  if (auto added = add(std::string(kFabric), ""); !added) return added;
  if (auto added = add(std::string(kExternal), ""); !added) return added;
  for (unsigned node = 1; node <= spec_.nodes; ++node) {
    const auto planned = plan_node(spec_, node);
    if (auto added = add(planned.name, pod_list(planned)); !added) return added;
  }
  for (const auto& member : members_) {
    if (auto ready = await_init(member.init); !ready) return std::unexpected(ready.error().in(member.name));
  }
  return {};
}

// "node-1", "external", "fabric" or a pod's name.
std::string Construction::netns(const std::string& name) const {
  for (const auto& member : members_) {
    if (member.name == name) return fmt::format("/proc/{}/ns/net", member.init.pid);
    if (name.starts_with(member.name + "-pod-")) {
      return fmt::format("/proc/{}/root{}/{}", member.init.pid, kPodDirectory, name);
    }
  }
  return "/nonexistent";
}

Status Construction::wire() {
  const auto path = [this](const std::string& name) { return netns(name); };
  const std::vector<std::string> ip{"ip", "-batch", "-"};
  const std::string fabric(kFabric);
  const std::string external(kExternal);
  // Devices are made from the fabric outwards; what needs the other end to exist comes in a later round.
  const std::vector<Tool> first{{fabric, netns(fabric), ip, fabric_links(spec_, path)}};
  std::vector<Tool> second{{external, netns(external), ip, external_links(spec_)},
                           {fabric, netns(fabric), {"bridge", "-batch", "-"}, fabric_forwarding(spec_)},
                           {fabric, netns(fabric), {"ip", "-4", "-batch", "-"}, fabric_rules(spec_, Family::kIpv4)},
                           {fabric, netns(fabric), {"ip", "-6", "-batch", "-"}, fabric_rules(spec_, Family::kIpv6)}};
  std::vector<Tool> third;
  const std::vector<std::string> nft{"nft", "-f", "-"};
  second.push_back({external, netns(external), nft, pod_packet_rules()});
  for (unsigned node = 1; node <= spec_.nodes; ++node) {
    const auto planned = plan_node(spec_, node);
    second.push_back({planned.name, netns(planned.name), nft, node_packet_rules(spec_)});
    second.push_back({planned.name, netns(planned.name), ip, node_links(spec_, node, path)});
    for (unsigned pod = 0; pod < spec_.pods_per_node; ++pod) {
      const auto& name = planned.pods[pod].name;
      second.push_back({name, netns(name), nft, pod_packet_rules()});
      third.push_back({name, netns(name), ip, pod_links(spec_, node, pod)});
    }
  }
  const unsigned parallel = std::max(1U, std::thread::hardware_concurrency());
  for (const auto* round :
       {&first, static_cast<const std::vector<Tool>*>(&second), static_cast<const std::vector<Tool>*>(&third)}) {
    if (auto done = run_tools(*round, parallel); !done) return done;
  }
  return {};
}

Status Construction::start_reference_proxies(const std::string& directory) {
  const auto program = program_beside_us(kProxyProgram);
  if (!program) return std::unexpected(program.error());
  for (const auto& member : members_) {
    if (member.name == kFabric || member.name == kExternal) continue;
    if (proxy_of(spec_, member.name) != kReference) continue;
    Inside inside;
    inside.init_pidfd = member.init.pidfd.get();
    inside.argv = {*program,
                   "--node",
                   member.name,
                   "--world",
                   directory + "/world.json",
                   "--report",
                   fmt::format("{}/proxy/{}.json", directory, member.name)};
    inside.output_path = fmt::format("{}/log/{}-proxy.log", directory, member.name);
    if (auto started = start_daemon_inside(inside); !started) {
      return std::unexpected(started.error().in("proxy of " + member.name));
    }
  }
  return {};
}

Status Construction::start_kubernetes(const std::string& directory, const Lab::Progress& progress) {
  if (!spec_.kubernetes) return {};
  std::vector<Place> places;
  for (const auto& member : members_) {
    if (member.name != kExternal) places.push_back({member.name, member.init.pid, member.init.pidfd.get()});
  }
  return lab::start_kubernetes(spec_, directory, places, progress);
}

Status Construction::complete() {
  const auto directory = lab_directory(spec_.name);
  if (auto written = write_whole_file(directory + "/topology.json", topology_json(plan_topology(spec_))); !written) {
    return written;
  }
  if (auto written = write_whole_file(directory + "/spec.json", write_lab_spec(spec_)); !written) return written;
  if (auto released = life_line_.release(); !released) return released;
  complete_ = true;
  return {};
}

}  // namespace conntruth::lab
