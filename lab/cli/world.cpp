#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "common/world/world_reader.hpp"
#include "lab/cli/commands.hpp"
#include "lab/reports.hpp"

namespace conntruth::lab::cli {

namespace {

constexpr const char* kUsage = "world [LAB] FILE";
constexpr std::chrono::seconds kPatience{30};

// A world without nodes gets the lab's; one with nodes must have no other ones.
Status fit_nodes(const Lab& lab, world::World& world, const std::string& file) {
  const auto unknown = [&](const std::string& what, const std::string& node) -> Status {
    if (node.empty() || lab.topology().node(node) != nullptr) return {};
    return fail(ErrorCode::kInvalidInput, fmt::format("{}: {} names node {}, which lab {} does not have; its nodes are "
                                                      "node-1 to node-{}",
                                                      file, what, node, lab.spec().name, lab.spec().nodes));
  };
  for (const auto& node : world.nodes) {
    if (auto known = unknown("a Node object", node.name); !known) return known;
  }
  for (const auto& slice : world.slices) {
    for (const auto& endpoint : slice.endpoints) {
      const auto what = fmt::format("endpointslice {}/{}", slice.namespace_name, slice.name);
      if (auto known = unknown(what, endpoint.node_name); !known) return known;
    }
  }
  if (world.nodes.empty()) world.nodes = lab.nodes();
  return {};
}

// Later than whatever the proxies have or are about to have.
std::uint64_t next_generation(const Lab& lab) {
  std::uint64_t latest = 0;
  if (const auto current = world::read_world_file(lab.directory() + "/world.json")) latest = current->generation;
  for (const auto& report : lab.proxy_reports()) latest = std::max(latest, report.generation);
  return latest + 1;
}

int publish(Words words) {
  const auto name = take_lab(words, 1, kUsage);
  if (!name) return finish(name.error());
  auto lab = Lab::open(*name);
  if (!lab) return finish(lab.error());
  const auto& file = words.words.front();
  auto world = world::read_world_file(file);
  if (!world) return finish(world.error());
  if (auto fits = fit_nodes(*lab, *world, file); !fits) return finish(fits);
  world->generation = next_generation(*lab);
  if (auto published = lab->publish(*world); !published) return finish(published);
  if (auto programmed = await_generation(*lab, world->generation, kPatience); !programmed) return finish(programmed);
  fmt::print("lab {}: generation {} with {} Services and {} EndpointSlices is in the kernel of every node\n", *name,
             world->generation, world->services.size(), world->slices.size());
  return 0;
}

}  // namespace

void add_world(CLI::App& lab, int& exit_code) {
  auto words = std::make_shared<Words>();
  auto* command = lab.add_subcommand("world", "Give a lab's proxies Services and EndpointSlices, and wait for them");
  add_words(*command, *words, kUsage);
  command->footer(
      "FILE holds Kubernetes objects as `kubectl get -o yaml` prints them; the lab's Nodes are added.\n"
      "Example:\n  conntruth lab world demo services.yaml");
  command->callback([words, &exit_code] { exit_code = publish(*words); });
}

}  // namespace conntruth::lab::cli
