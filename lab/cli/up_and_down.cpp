// up, down, list.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "lab/cli/commands.hpp"
#include "lab/files.hpp"

namespace conntruth::lab::cli {

namespace {

struct UpOptions {
  std::string file;
  std::optional<std::string> name;
  std::optional<unsigned> nodes;
  std::optional<unsigned> pods;
  std::optional<std::vector<std::string>> zones;
  std::optional<std::vector<std::string>> families;
  std::optional<std::string> proxy;
};

// The file first, then what the flags say.
Result<LabSpec> spec_from(const UpOptions& options) {
  LabSpec spec;
  if (!options.file.empty()) {
    const auto text = read_whole_file(options.file);
    if (!text) return std::unexpected(text.error());
    auto read = read_lab_spec(*text, options.file);
    if (!read) return read;
    spec = *read;
  }
  if (options.name) spec.name = *options.name;
  if (options.nodes) spec.nodes = *options.nodes;
  if (options.pods) spec.pods_per_node = *options.pods;
  if (options.zones) spec.zones = *options.zones;
  std::erase(spec.zones, "");  // --zones "": none
  if (options.proxy) spec.proxy = *options.proxy;
  if (options.families) {
    const auto has = [&](const char* family) {
      return std::ranges::find(*options.families, family) != options.families->end();
    };
    spec.ipv4 = has("ipv4");
    spec.ipv6 = has("ipv6");
  }
  return spec;
}

int up(const UpOptions& options) {
  const auto spec = spec_from(options);
  if (!spec) return finish(spec.error());
  const auto begin = std::chrono::steady_clock::now();
  const auto lab = Lab::up(*spec);
  if (!lab) return finish(lab.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("lab {}: {} nodes, {} pods, proxy {}, up in {:.2f} s\n", spec->name, spec->nodes,
             spec->nodes * spec->pods_per_node, spec->proxy, took.count());
  return 0;
}

int down(const std::string& name, bool all) {
  int exit_code = 0;
  const auto names = all ? Lab::list() : std::vector<std::string>{name};
  for (const auto& each : names) {
    const auto removed = Lab::down(each);
    exit_code = std::max(exit_code, finish(removed));
    if (removed) fmt::print("lab {}: removed\n", each);
  }
  if (all && names.empty()) fmt::print("no labs\n");
  return exit_code;
}

int list(const std::string& output) {
  auto document = nlohmann::ordered_json::array();
  std::vector<std::vector<std::string>> rows{{"LAB", "STATE", "NODES", "PROXY"}};
  for (const auto& name : Lab::list()) {
    const auto lab = Lab::open(name);
    document.push_back({{"name", name}, {"state", lab ? "running" : "incomplete"}});
    rows.push_back({name, lab ? "running" : "incomplete"});
    if (!lab) continue;
    document.back()["nodes"] = lab->spec().nodes;
    document.back()["proxy"] = lab->spec().proxy;
    rows.back().insert(rows.back().end(), {std::to_string(lab->spec().nodes), lab->spec().proxy});
  }
  if (output == "json") {
    fmt::print("{}\n", document.dump(2));
  } else if (document.empty()) {
    fmt::print("no labs\n");
  } else {
    fmt::print("{}", as_table(rows));
  }
  return 0;
}

void add_up(CLI::App& lab, int& exit_code) {
  auto options = std::make_shared<UpOptions>();
  auto* command = lab.add_subcommand("up", "Build a lab");
  command->add_option("LAB,--name,--lab", options->name, "Its name: 1 to 20 of a-z, 0-9, - (default: default)");
  command->add_option("--nodes", options->nodes, "Number of nodes, 1..50 (default: 3)");
  command->add_option("--pods", options->pods, "Pods per node, 1..20 (default: 2)");
  command->add_option("--zones", options->zones, "Zones, dealt to the nodes in turn; \"\" for none")->delimiter(',');
  command->add_option("--ip-families", options->families, "ipv4, ipv6 or both (default: both)")
      ->delimiter(',')
      ->check(CLI::IsMember({"ipv4", "ipv6"}));
  command->add_option("--proxy", options->proxy, "Service proxy per node: reference or none (default: reference)");
  command->add_option("-f,--file", options->file, "Specification in YAML; flags go before it");
  command->footer(
      "Examples:\n"
      "  conntruth lab up\n"
      "  conntruth lab up --name wide --nodes 30 --pods 1 --zones east,west\n"
      "  conntruth lab up --name v6 --ip-families ipv6 --proxy none\n"
      "  conntruth lab up -f lab.yaml      keys: name nodes pods_per_node zones ipv4 ipv6 proxy");
  command->callback([options, &exit_code] { exit_code = up(*options); });
}

}  // namespace

void add_up_and_down(CLI::App& lab, int& exit_code) {
  add_up(lab, exit_code);

  auto name = std::make_shared<std::string>();
  auto all = std::make_shared<bool>(false);
  auto* command = lab.add_subcommand("down", "Remove a lab, whole, half-built or left over, and all that runs in it");
  add_lab_option(*command, *name);
  command->add_flag("--all", *all, "Every lab on this machine");
  command->footer("Examples:\n  conntruth lab down demo\n  conntruth lab down --all");
  command->callback([name, all, &exit_code] { exit_code = down(*name, *all); });

  auto output = std::make_shared<std::string>("table");
  command = lab.add_subcommand("list", "Show the labs on this machine");
  command->add_option("-o,--output", *output, "table or json")->check(CLI::IsMember({"table", "json"}));
  command->footer("Examples:\n  conntruth lab list\n  conntruth lab list -o json");
  command->callback([output, &exit_code] { exit_code = list(*output); });
}

}  // namespace conntruth::lab::cli
