#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "lab/cli/commands.hpp"
#include "lab/faults/faults.hpp"
#include "lab/files.hpp"
#include "lab/kubernetes/proxy_choice.hpp"
#include "lab/topology/address_plan.hpp"
#include "lab/topology/process_table.hpp"

namespace conntruth::lab::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string ended(int exit_code) { return fmt::format("ended with exit status {}", exit_code); }

Json kubernetes_json(const Lab& lab) {
  const auto& api = lab.spec().kubernetes;
  if (!api) return nullptr;
  Json document = {{"version", api->version}};
  const auto access = lab.kubernetes();
  if (!access) return document;
  document["server"] = access->server;
  document["kubeconfig"] = access->kubeconfig;
  for (const auto& program : access->programs) {
    document["programs"].push_back({{"name", program.name},
                                    {"node", program.place},
                                    {"pid", program.pid},
                                    {"error", program.exit_code ? ended(*program.exit_code) : ""}});
  }
  return document;
}

Json proxy_json(const NodeProcess& process, const std::vector<ProxyReport>& reports) {
  Json proxy = {{"kind", process.kind}, {"pid", process.proxy}, {"generation", nullptr}, {"error", ""}};
  if (process.proxy_exit) proxy["error"] = ended(*process.proxy_exit);
  const auto report = std::ranges::find(reports, process.node, &ProxyReport::node);
  if (report != reports.end()) {
    proxy["generation"] = report->generation;
    proxy["error"] = report->error;
  }
  return proxy;
}

// The topology's document with what runs at the moment put in.
Result<Json> status_json(const Lab& lab) {
  auto document = Json::parse(topology_json(lab.topology()));
  const auto processes = lab.processes();
  if (!processes) return std::unexpected(processes.error());
  const auto reports = lab.proxy_reports();
  for (std::size_t index = 0; index < processes->size(); ++index) {
    auto& node = document["nodes"][index];
    node["init"] = (*processes)[index].init;
    node["proxy"] = (*processes)[index].kind == kNoProxy ? Json() : proxy_json((*processes)[index], reports);
  }
  document["fabric"] = {{"name", kFabric}, {"device", "br0"}, {"init", 0}};
  document["external"]["init"] = 0;
  for (const auto& init : read_inits()) {
    if (init.lab != lab.spec().name) continue;
    if (init.node == kFabric) document["fabric"]["init"] = init.process.pid;
    if (init.node == kExternal) document["external"]["init"] = init.process.pid;
  }
  document["kubernetes"] = kubernetes_json(lab);
  document["directory"] = lab.directory();
  document["faults"] = Json::array();
  for (const auto& planted : planted_faults(lab)) {
    document["faults"].push_back({{"fault", planted.fault}, {"node", planted.node}});
  }
  return document;
}

std::string joined(const Json& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + item.get<std::string>();
  return text.empty() ? "-" : text;
}

std::string or_dash(const Json& value) {
  if (value.is_null() || value == 0 || value == "") return "-";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string kubernetes_table(const Json& kubernetes) {
  if (kubernetes.is_null()) return "";
  std::vector<std::vector<std::string>> rows{{"KUBERNETES", "NODE", "PID", "ERROR"}};
  for (const auto& program : kubernetes.value("programs", Json::array())) {
    rows.push_back({program["name"], program["node"], or_dash(program["pid"]), or_dash(program["error"])});
  }
  return fmt::format("Kubernetes {} at {}\nkubeconfig {}\n\n{}\n", kubernetes["version"].get<std::string>(),
                     kubernetes.value("server", "-"), kubernetes.value("kubeconfig", "-"), as_table(rows));
}

std::string status_table(const Json& document) {
  std::vector<std::vector<std::string>> nodes{
      {"NODE", "ZONE", "ADDRESSES", "INIT", "PROXY", "PID", "GENERATION", "ERROR"}};
  std::vector<std::vector<std::string>> pods{{"POD", "NODE", "DEVICE", "ADDRESSES"}};
  for (const auto& node : document["nodes"]) {
    const auto proxy = node["proxy"].is_null()
                           ? Json{{"kind", kNoProxy}, {"pid", 0}, {"generation", nullptr}, {"error", ""}}
                           : node["proxy"];
    const auto generation = proxy["generation"].is_null() ? "-" : proxy["generation"].dump();
    nodes.push_back({node["name"], or_dash(node["zone"]), joined(node["addresses"]), or_dash(node["init"]),
                     proxy["kind"], or_dash(proxy["pid"]), generation, or_dash(proxy["error"])});
    for (const auto& pod : node["pods"]) {
      pods.push_back({pod["name"], node["name"], pod["device"], joined(pod["addresses"])});
    }
  }
  std::vector<std::vector<std::string>> external{{"EXTERNAL SOURCE", "ENTERS AT"}};
  for (const auto& via : document["external"]["via"]) external.push_back({joined(via["sources"]), via["node"]});
  const auto& ranges = document["ranges"];
  std::vector<std::vector<std::string>> range_rows{{"RANGE", "ADDRESSES"}};
  for (const auto* name : {"clusterIPs", "externalIPs", "loadBalancers"})
    range_rows.push_back({name, joined(ranges[name])});
  range_rows.push_back({"nodePorts", fmt::format("{}-{}", ranges["nodePorts"]["first"].get<int>(),
                                                 ranges["nodePorts"]["last"].get<int>())});
  auto text = fmt::format("lab {} in {}\n\n{}{}\n{}\n{}\n{}", document["name"].get<std::string>(),
                          document["directory"].get<std::string>(), kubernetes_table(document["kubernetes"]),
                          as_table(nodes), as_table(pods), as_table(external), as_table(range_rows));
  for (const auto& fault : document["faults"]) {
    text += fmt::format("\nplanted: {} on {}\n", fault["fault"].get<std::string>(), fault["node"].get<std::string>());
  }
  return text;
}

void emit(YAML::Emitter& emitter, const Json& value) {
  if (value.is_object()) {
    emitter << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      emitter << YAML::Key << key << YAML::Value;
      emit(emitter, item);
    }
    emitter << YAML::EndMap;
  } else if (value.is_array()) {
    emitter << YAML::BeginSeq;
    for (const auto& item : value) emit(emitter, item);
    emitter << YAML::EndSeq;
  } else if (value.is_string()) {
    emitter << YAML::DoubleQuoted << value.get<std::string>();
  } else if (value.is_null()) {
    emitter << YAML::Null;
  } else {
    emitter << value.dump();
  }
}

int status(const std::string& name, const std::string& output) {
  const auto lab = Lab::open(name);
  if (!lab) return finish(lab.error());
  const auto document = status_json(*lab);
  if (!document) return finish(document.error());
  if (output == "json") {
    fmt::print("{}\n", document->dump(2));
  } else if (output == "yaml") {
    YAML::Emitter emitter;
    emit(emitter, *document);
    fmt::print("{}\n", emitter.c_str());
  } else {
    fmt::print("{}", status_table(*document));
  }
  return 0;
}

}  // namespace

void add_status(CLI::App& lab, int& exit_code) {
  auto name = std::make_shared<std::string>();
  auto output = std::make_shared<std::string>("table");
  auto* command = lab.add_subcommand("status", "Show a lab's nodes, pods, addresses, devices and processes");
  add_lab_option(*command, *name);
  command->add_option("-o,--output", *output, "table, json or yaml")->check(CLI::IsMember({"table", "json", "yaml"}));
  command->footer(
      "Examples:\n  conntruth lab status demo\n  conntruth lab status demo -o json | jq .nodes[0].proxy.pid");
  command->callback([name, output, &exit_code] { exit_code = status(*name, *output); });
}

}  // namespace conntruth::lab::cli
