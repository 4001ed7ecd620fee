#include "controller/app/install_cli.hpp"

#include <fmt/core.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/app/install_command.hpp"
#include "controller/app/output_option.hpp"

namespace conntruth::app {
namespace {

int code_of(const Result<int>& result) {
  if (result) return *result;
  fmt::print(stderr, "conntruth: {}\n", result.error().message);
  return 1;
}

void add_cluster(CLI::App& command, ClusterTarget& cluster) {
  command.add_option("--kubeconfig", cluster.kubeconfig, "file; without it $KUBECONFIG or ~/.kube/config")
      ->check(CLI::ExistingFile);
  command.add_option("--context", cluster.context, "of the kubeconfig, without it the current one");
  command.add_option("-n,--namespace", cluster.system_namespace, "of the install; there is one, conntruth-system");
}

template <typename Value>
using Words = std::map<std::string, Value>;
const Words<DryRun> kDryRuns = {{"none", DryRun::kNone}, {"client", DryRun::kClient}};
const Words<install::AgentProfile> kProfiles = {{"matrix", install::AgentProfile::kMatrix},
                                                {"ebpf", install::AgentProfile::kEbpf}};
const Words<install::TlsMode> kTlsModes = {{"generate", install::TlsMode::kGenerate},
                                           {"cert-manager", install::TlsMode::kCertManager},
                                           {"secret", install::TlsMode::kSecret}};

// `words` outlive the command.
template <typename Value>
void add_choice(CLI::App& command, const char* flag, Value& into, const Words<Value>& words, const char* text) {
  std::vector<std::string> names;
  names.reserve(words.size());
  for (const auto& [name, value] : words) names.push_back(name);
  command
      .add_option_function<std::string>(
          flag, [&into, &words](const std::string& word) { into = words.at(word); }, text)
      ->transform(CLI::IsMember(names, CLI::ignore_case));
}

void add_timeout(CLI::App& command, std::chrono::seconds& timeout) {
  command
      .add_option_function<unsigned>(
          "--timeout", [&timeout](unsigned seconds) { timeout = std::chrono::seconds(seconds); },
          "seconds to wait, 180 without")
      ->check(CLI::Range(1, 3600));
}

void add_install(CLI::App& app, int& exit_code) {
  auto request = std::make_shared<InstallRequest>();
  auto* command = app.add_subcommand("install", "put agents, anchors and controller into a cluster, or change them");
  add_cluster(*command, request->cluster);
  command->add_option("--image", request->options.image, "of all three programs; without it this version's own");
  add_choice(*command, "--profile", request->options.profile, kProfiles,
             "what agents may do: matrix (the default), or ebpf, which also looks into the kernel");
  add_choice(*command, "--tls", request->options.tls, kTlsModes,
             "the controller's certificate: generate (the default; one that is there is kept), cert-manager, or secret "
             "(you made conntruth-tls)");
  command->add_flag("--wait,!--no-wait", request->wait, "until every pod is ready, as is the default");
  add_timeout(*command, request->timeout);
  add_choice(*command, "--dry-run", request->dry_run, kDryRuns, "client: print the objects and do nothing");
  add_output(*command, request->format, {"yaml", "json"}, "of --dry-run=client: ");
  command->add_flag("-q,--quiet", request->quiet, "no progress on stderr");
  command->footer(
      "May be repeated: what is as it has to be stays unchanged. Where it fails, what it made is removed again.\n"
      "Exit codes: 0 installed, 1 error, 2 installed and not ready in time.\n\nExamples:\n"
      "  kubectl conntruth install --image registry.example.com/conntruth:0.1.0\n"
      "  kubectl conntruth install --context staging --profile ebpf --tls cert-manager\n"
      "  kubectl conntruth install --dry-run=client -o yaml > conntruth.yaml");
  command->callback([request, &exit_code] {
    if (is_document(request->format) && request->dry_run == DryRun::kNone) {
      exit_code =
          code_of(fail(ErrorCode::kInvalidInput, "--output is of --dry-run=client; add that, or see `status -o`"));
      return;
    }
    exit_code = code_of(install_conntruth(*request));
  });
}

void add_status(CLI::App& app, int& exit_code) {
  auto request = std::make_shared<StatusRequest>();
  auto* command = app.add_subcommand("status", "what of conntruth is in a cluster, and whether it is as it has to be");
  add_cluster(*command, request->cluster);
  add_output(*command, request->format, {"text", "json", "yaml"});
  command->footer(
      "Exit codes: 0 all well, 1 error or not all could be looked at, 2 something is not as it has to be, 3 not "
      "installed.\n\n"
      "Examples:\n"
      "  kubectl conntruth status\n  kubectl conntruth status -o json | jq -r '.problems[]'");
  command->callback([request, &exit_code] { exit_code = code_of(show_installation(*request)); });
}

void add_uninstall(CLI::App& app, int& exit_code) {
  auto request = std::make_shared<UninstallRequest>();
  auto* command = app.add_subcommand("uninstall", "remove conntruth from a cluster, with what runs have left");
  add_cluster(*command, request->cluster);
  command->add_flag("--force", request->force, "also while the Lease says that a run is going on");
  add_timeout(*command, request->timeout);
  command->add_flag("-q,--quiet", request->quiet, "no progress on stderr");
  command->footer(
      "Removes what `install` and kustomize made; of Helm it says how. Waits until all is gone.\n"
      "Exit codes: 0 nothing is left, 1 error.\n\nExamples:\n"
      "  kubectl conntruth uninstall\n  kubectl conntruth uninstall --context staging --force");
  command->callback([request, &exit_code] {
    const auto done = uninstall_conntruth(*request);
    exit_code = code_of(done ? Result<int>(0) : std::unexpected(done.error()));
  });
}

}  // namespace

void add_install_commands(CLI::App& app, int& exit_code) {
  add_install(app, exit_code);
  add_status(app, exit_code);
  add_uninstall(app, exit_code);
}

}  // namespace conntruth::app
