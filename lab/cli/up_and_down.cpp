// up, down, list.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "common/file.hpp"
#include "lab/cli/commands.hpp"
#include "lab/files.hpp"
#include "lab/kubernetes/proxy_choice.hpp"

namespace conntruth::lab::cli {

namespace {

struct UpOptions {
  std::string file;
  std::optional<std::string> name;
  std::optional<unsigned> nodes;
  std::optional<unsigned> pods;
  std::optional<std::vector<std::string>> zones;
  std::optional<std::vector<std::string>> families;
  std::vector<std::string> proxies;
  std::string proxy_command;
  std::string proxy_version;
  std::optional<std::string> kubernetes;
  std::string kube_bin;
  bool kubelets = false;
  std::optional<unsigned> patience;
};

// "PROXY" is for all nodes that "NODE=PROXY" does not name.
Status read_proxies(const std::vector<std::string>& words, LabSpec& spec) {
  bool has_default = false;
  std::set<std::string> named;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    const auto node = equals == std::string::npos ? std::string() : word.substr(0, equals);
    const auto twice = node.empty() ? std::exchange(has_default, true) : !named.insert(node).second;
    if (twice) {
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("--proxy: {} is given twice; use NODE=PROXY for single nodes",
                              node.empty() ? "the proxy of all nodes" : "the proxy of " + node));
    }
    (node.empty() ? spec.proxy : spec.node_proxies[node]) = node.empty() ? word : word.substr(equals + 1);
  }
  return {};
}

Status apply_kubernetes(const UpOptions& options, LabSpec& spec) {
  if (auto done = read_proxies(options.proxies, spec); !done) return done;
  if (!options.proxy_command.empty()) spec.proxy_command = options.proxy_command;
  const bool had_api = spec.kubernetes.has_value();
  if (options.kubernetes || !options.kube_bin.empty() || options.kubelets) {
    auto api = spec.kubernetes.value_or(KubernetesSpec{});
    if (options.kubernetes) api.version = *options.kubernetes;
    if (!options.kube_bin.empty()) api.programs = options.kube_bin;
    api.kubelets = api.kubelets || options.kubelets;
    spec.kubernetes = api;
  }
  // A file that has an API has decided about the proxies, too, unless a command came just now.
  const bool decided = had_api && options.proxy_command.empty();
  return imply(spec, decided || !options.proxies.empty(), options.proxy_version);
}

// The file first, then what the flags say.
Result<LabSpec> spec_from(const UpOptions& options) {
  LabSpec spec;
  if (!options.file.empty()) {
    const auto text = read_file(options.file);
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
  if (options.families) {
    const auto has = [&](const char* family) {
      return std::ranges::find(*options.families, family) != options.families->end();
    };
    spec.ipv4 = has("ipv4");
    spec.ipv6 = has("ipv6");
  }
  if (auto done = apply_kubernetes(options, spec); !done) return std::unexpected(done.error());
  if (options.patience && spec.kubernetes) spec.kubernetes->patience = std::chrono::seconds(*options.patience);
  return spec;
}

int up(const UpOptions& options) {
  const auto spec = spec_from(options);
  if (!spec) return finish(spec.error());
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  const auto lab = Lab::up(*spec, [&](std::string_view done) {
    fmt::print(stderr, "lab {}: {:5.1f} s  {}\n", spec->name, seconds(), done);
  });
  if (!lab) return finish(lab.error());
  const auto& made = lab->spec();
  fmt::print("lab {}: {} nodes, {} pods, {}proxy {}, up in {:.2f} s\n", made.name, made.nodes,
             made.nodes * made.pods_per_node,
             made.kubernetes ? fmt::format("Kubernetes {}{}, ", made.kubernetes->version,
                                           made.kubernetes->kubelets ? " with kubelets" : "")
                             : "",
             describe_proxies(made), seconds());
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
  std::vector<std::vector<std::string>> rows{{"LAB", "STATE", "NODES", "KUBERNETES", "PROXY"}};
  for (const auto& name : Lab::list()) {
    const auto lab = Lab::open(name);
    document.push_back({{"name", name}, {"state", lab ? "running" : "incomplete"}});
    rows.push_back({name, lab ? "running" : "incomplete"});
    if (!lab) continue;
    document.back()["nodes"] = lab->spec().nodes;
    const auto& spec = lab->spec();
    const auto proxies = describe_proxies(spec);
    document.back()["proxy"] = proxies;
    document.back()["kubernetes"] = spec.kubernetes ? nlohmann::ordered_json(spec.kubernetes->version) : nullptr;
    rows.back().insert(rows.back().end(),
                       {std::to_string(spec.nodes), spec.kubernetes ? spec.kubernetes->version : "-", proxies});
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
  command
      ->add_option("--proxy", options->proxies,
                   "Service proxy of all nodes, or NODE=PROXY of one: reference, none, kube-proxy:nftables, "
                   "kube-proxy:iptables (both also with @VERSION), command (default: reference)")
      ->delimiter(',');
  command->add_option("--proxy-cmd", options->proxy_command,
                      "A proxy of yours, for the node's shell; {kubeconfig}, {node} and {address} are filled in");
  command->add_option("--proxy-version", options->proxy_version, "Version of kube-proxy, where it is not the API's");
  command
      ->add_option("--kubernetes", options->kubernetes,
                   "A Kubernetes API of this version (default: the newest that `./run setup kube` built)")
      ->expected(0, 1);
  command->add_option("--kube-bin", options->kube_bin, "Folder whose kube-apiserver, kube-proxy, ... are taken first");
  command->add_flag("--kubelet", options->kubelets,
                    "The whole Kubernetes: also its controllers, a kubelet per node and CoreDNS, for real pods");
  command->add_option("--patience", options->patience, "Seconds within which each proxy has to be ready (default: 60)")
      ->check(CLI::Range(1, 3600));
  command->add_option("-f,--file", options->file, "Specification in YAML; flags go before it");
  command->footer(
      "Examples:\n"
      "  conntruth lab up\n"
      "  conntruth lab up --name wide --nodes 30 --pods 1 --zones east,west\n"
      "  conntruth lab up --name v6 --ip-families ipv6 --proxy none\n"
      "  conntruth lab up --name real --proxy kube-proxy:nftables,node-1=kube-proxy:iptables\n"
      "  conntruth lab up --name whole --kubelet\n"
      "  conntruth lab up --name old --kubernetes=1.36 --proxy-version 1.34\n"
      "  conntruth lab up --name mine --proxy-cmd './my-proxy --kubeconfig {kubeconfig} --node {node}'\n"
      "  conntruth lab up -f lab.yaml      keys: name nodes pods_per_node zones ipv4 ipv6 proxy node_proxies\n"
      "                                    proxy_command proxy_version kubernetes kube_bin kubelet");
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
