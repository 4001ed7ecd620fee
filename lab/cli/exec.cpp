// exec, shell.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>

#include "lab/cli/commands.hpp"
#include "lab/kubernetes/programs.hpp"
#include "lab/topology/address_plan.hpp"

namespace conntruth::lab::cli {

namespace {

constexpr const char* kExecUsage = "exec [LAB] NODE [--pod POD] -- COMMAND...";
constexpr const char* kShellUsage = "shell [LAB] NODE [--pod POD]";

bool names_a_node(const std::string& word) { return word == kExternal || word == kFabric || word.starts_with("node-"); }

// kubectl, helm, and whatever else looks for a cluster, finds the lab's; ctr a node's containerd.
void give_kubeconfig(const Lab& lab, std::vector<std::string>& argv) {
  const auto access = lab.kubernetes();
  const auto& api = lab.spec().kubernetes;
  if (!access || !api) return;
  std::vector<std::string> environment{"env", "KUBECONFIG=" + access->kubeconfig};
  const auto programs = Programs::look(api->programs);
  const auto kubectl = programs ? programs->find("kubectl", "", access->version) : std::unexpected(programs.error());
  std::string folders;
  if (kubectl) folders += kubectl->path.substr(0, kubectl->path.rfind('/')) + ":";
  const auto helm = programs ? programs->helm() : std::unexpected(programs.error());
  if (helm) folders += helm->substr(0, helm->rfind('/')) + ":";
  const auto containers = programs && api->kubelets ? programs->containers() : fail(ErrorCode::kNotFound, "");
  if (containers) folders += containers->programs + ":";
  const char* path = std::getenv("PATH");
  environment.push_back(fmt::format("PATH={}{}", folders, path == nullptr ? "/usr/sbin:/usr/bin" : path));
  argv.insert(argv.begin(), environment.begin(), environment.end());
}

// The terminal sends its signals to the command as well; it decides what they mean, and we wait for its exit code.
int run(const std::string& lab_name, const std::string& node, Lab::Command command) {
  const auto lab = Lab::open(lab_name);
  if (!lab) return finish(lab.error());
  command.die_with_caller = true;
  give_kubeconfig(*lab, command.argv);
  for (const int number : {SIGINT, SIGQUIT, SIGTSTP}) std::signal(number, SIG_IGN);
  const auto status = lab->run(node, command);
  for (const int number : {SIGINT, SIGQUIT, SIGTSTP}) std::signal(number, SIG_DFL);
  return status ? *status : finish(status.error());
}

struct ExecOptions {
  Words words;
  std::string pod;
  std::optional<std::string> first;
  std::optional<std::string> second;
  std::vector<std::string> rest;
};

int exec(const ExecOptions& options) {
  auto words = options.words;
  auto& list = words.words;
  for (const auto* word : {&options.first, &options.second}) {
    if (*word) list.push_back(**word);
  }
  list.insert(list.end(), options.rest.begin(), options.rest.end());
  if (list.empty()) return finish(Error{ErrorCode::kInvalidInput, std::string("usage: conntruth lab ") + kExecUsage});
  // The first word is the lab's name where a node's follows, or where it cannot be a node's itself.
  const bool node_follows = list.size() > 1 && names_a_node(list[1]);
  auto lab = words.lab_option.empty() ? std::string("default") : words.lab_option;
  if (words.lab_option.empty() ? node_follows || !names_a_node(list.front()) : node_follows && list.front() == lab) {
    lab = list.front();
    list.erase(list.begin());
  }
  if (list.size() < 2)
    return finish(Error{ErrorCode::kInvalidInput, std::string("usage: conntruth lab ") + kExecUsage});
  Lab::Command command;
  command.argv.assign(list.begin() + 1, list.end());
  command.pod = options.pod;
  return run(lab, list.front(), command);
}

int shell(Words words, const std::string& pod) {
  const auto lab = take_lab(words, 1, kShellUsage);
  if (!lab) return finish(lab.error());
  const auto& node = words.words.front();
  Lab::Command command;
  command.pod = pod;
  command.argv = {"env", fmt::format("PS1=[{} {}] \\w# ", *lab, pod.empty() ? node : pod)};
  if (::access("/bin/bash", X_OK) == 0) {
    command.argv.insert(command.argv.end(), {"/bin/bash", "--norc"});
  } else {
    command.argv.emplace_back("/bin/sh");
  }
  if (::isatty(STDIN_FILENO) != 0) command.argv.emplace_back("-i");
  return run(*lab, node, command);
}

}  // namespace

void add_exec(CLI::App& lab, int& exit_code) {
  auto options = std::make_shared<ExecOptions>();
  auto* command = lab.add_subcommand("exec", "Run a command in a node's namespaces; its exit code is ours");
  command->add_option("--lab,--name", options->words.lab_option, "The lab's name, instead of the first position");
  command->add_option("--pod", options->pod, "In the network namespace of this pod of the node");
  // CLI11 lets words follow `--` only where a position is still open: COMMAND always is. Which word is the lab, the
  // node or the command is decided by exec().
  command->add_option("LAB", options->first, "The lab's name (default: default)");
  command->add_option("NODE", options->second, "node-1, ...; `external` or `fabric`");
  command->add_option("COMMAND", options->rest, "The command and its arguments, after --");
  command->footer(
      "`external` is the external client, `fabric` the nodes' bridge and router. In a lab with a Kubernetes API\n"
      "$KUBECONFIG is its administrator's and kubectl and helm are in $PATH, with kubelets also ctr.\n"
      "Examples:\n"
      "  conntruth lab exec demo node-1 -- nft list ruleset\n"
      "  conntruth lab exec demo node-1 --pod node-1-pod-0 -- ip addr\n"
      "  conntruth lab exec demo external -- ip route\n"
      "  conntruth lab exec demo fabric -- kubectl get nodes");
  command->callback([options, &exit_code] { exit_code = exec(*options); });

  auto words = std::make_shared<Words>();
  auto pod = std::make_shared<std::string>();
  command = lab.add_subcommand("shell", "Open a shell in a node's namespaces");
  add_words(*command, *words, kShellUsage);
  command->add_option("--pod", *pod, "In the network namespace of this pod of the node");
  command->footer("Examples:\n  conntruth lab shell demo node-2\n  conntruth lab shell demo node-2 --pod node-2-pod-1");
  command->callback([words, pod, &exit_code] { exit_code = shell(*words, *pod); });
}

}  // namespace conntruth::lab::cli
