#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "lab/cli/commands.hpp"
#include "lab/faults/faults.hpp"

namespace conntruth::lab::cli {

namespace {

// An id, or the path of a fault of the user's own.
Result<Fault> find_fault(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".yaml")) return read_fault_file(name);
  auto faults = load_faults(fault_directory());
  if (!faults) return std::unexpected(faults.error());
  const auto found = std::ranges::find(*faults, name, &Fault::id);
  if (found != faults->end()) return *found;
  std::string close;
  for (const auto& fault : *faults) {
    if (fault.id.contains(name)) close += (close.empty() ? "; do you mean " : " or ") + fault.id;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("no fault named {}{}; `conntruth lab fault list` shows what there is", name, close));
}

std::string needs_text(const FaultNeeds& needs) {
  std::string text;
  const auto add = [&](bool present, const std::string& word) {
    if (present) text += (text.empty() ? "" : " ") + word;
  };
  add(needs.proxy, "proxy");
  add(needs.ipv4, "ipv4");
  add(needs.ipv6, "ipv6");
  add(needs.nodes > 1, fmt::format("nodes>={}", needs.nodes));
  add(needs.pods > 1, fmt::format("pods>={}", needs.pods));
  return text.empty() ? "-" : text;
}

std::vector<std::string> planted_on(const std::vector<PlantedFault>& planted, const std::string& fault) {
  std::vector<std::string> nodes;
  for (const auto& each : planted) {
    if (each.fault == fault) nodes.push_back(each.node);
  }
  return nodes;
}

int list(const std::string& lab_name, const std::string& output) {
  const auto faults = load_faults(fault_directory());
  if (!faults) return finish(faults.error());
  std::vector<PlantedFault> planted;
  if (!lab_name.empty()) {
    const auto lab = Lab::open(lab_name);
    if (!lab) return finish(lab.error());
    planted = planted_faults(*lab);
  }
  auto document = nlohmann::ordered_json::array();
  std::vector<std::vector<std::string>> rows{{"FAULT", "DEFAULT NODE", "NEEDS", "PLANTED ON", "TITLE"}};
  for (const auto& fault : *faults) {
    const auto nodes = planted_on(planted, fault.id);
    rows.push_back({fault.id, fault.default_node, needs_text(fault.needs),
                    nodes.empty() ? "-" : fmt::format("{}", fmt::join(nodes, ",")), fault.title});
    document.push_back({{"id", fault.id},
                        {"title", fault.title},
                        {"defaultNode", fault.default_node},
                        {"needs",
                         {{"proxy", fault.needs.proxy},
                          {"ipv4", fault.needs.ipv4},
                          {"ipv6", fault.needs.ipv6},
                          {"nodes", fault.needs.nodes},
                          {"pods", fault.needs.pods}}},
                        {"plantedOn", nodes}});
  }
  fmt::print("{}", output == "json" ? document.dump(2) + "\n" : as_table(rows));
  return 0;
}

struct FaultOptions {
  Words words;
  std::string node;
  bool heals = false;
};

// Where to plant or heal: what the user says, else the only node where it is planted, else the fault's default.
std::string node_for(const FaultOptions& options, const Lab& lab, const Fault& fault) {
  if (!options.node.empty()) return options.node;
  const auto nodes = planted_on(planted_faults(lab), fault.id);
  return options.heals && nodes.size() == 1 ? nodes.front() : fault.default_node;
}

using Deed = Status (*)(const Lab&, const Fault&, const std::string&);

int change(FaultOptions options, Deed deed, const std::string& usage, std::string_view done) {
  const auto name = take_lab(options.words, 1, usage);
  if (!name) return finish(name.error());
  const auto fault = find_fault(options.words.words.front());
  if (!fault) return finish(fault.error());
  const auto lab = Lab::open(*name);
  if (!lab) return finish(lab.error());
  const auto node = node_for(options, *lab, *fault);
  if (auto changed = deed(*lab, *fault, node); !changed) return finish(changed);
  fmt::print("lab {}: {} {} {}\n", *name, fault->id, done, node);
  return 0;
}

void add_change(CLI::App& fault, const std::string& verb, const std::string& help, Deed deed, const std::string& done,
                int& exit_code) {
  auto options = std::make_shared<FaultOptions>();
  options->heals = verb == "heal";
  auto* command = fault.add_subcommand(verb, help);
  const auto usage = fmt::format("fault {} [LAB] FAULT [--node NODE]", verb);
  add_words(*command, options->words, usage);
  command->add_option("--node", options->node,
                      verb == "heal" ? "On this node; without it where the fault is planted, if that is one node alone"
                                     : "On this node instead of the fault's default");
  command->footer(
      fmt::format("FAULT is an id of `conntruth lab fault list` or the path of a fault's YAML file.\n"
                  "Example:\n  conntruth lab fault {} demo drop-udp-replies --node node-3",
                  verb));
  command->callback([=, &exit_code] { exit_code = change(*options, deed, usage, done); });
}

}  // namespace

void add_faults(CLI::App& lab, int& exit_code) {
  auto* fault = lab.add_subcommand("fault", "Break a node's dataplane on purpose, and mend it");
  fault->require_subcommand(1);
  fault->footer("Examples:\n  conntruth lab fault list\n  conntruth lab fault plant demo drop-udp-replies");

  auto name = std::make_shared<std::string>();
  auto output = std::make_shared<std::string>("table");
  auto* command = fault->add_subcommand("list", "Show the faults that can be planted, and where they are");
  command->add_option("LAB,--lab,--name", *name, "Show what is planted in this lab");
  command->add_option("-o,--output", *output, "table or json")->check(CLI::IsMember({"table", "json"}));
  command->footer("Examples:\n  conntruth lab fault list\n  conntruth lab fault list demo -o json");
  command->callback([name, output, &exit_code] { exit_code = list(*name, *output); });

  add_change(*fault, "plant", "Plant a fault on a node", plant_fault, "planted on", exit_code);
  add_change(*fault, "heal", "Remove a planted fault", heal_fault, "healed on", exit_code);
}

}  // namespace conntruth::lab::cli
