// The program `conntruth`: command line and wiring of its subcommands; nothing else.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "controller/app/cleanup_command.hpp"
#include "controller/app/demo.hpp"
#include "controller/app/paths.hpp"
#include "controller/app/run_command.hpp"
#include "controller/app/view_commands.hpp"
#include "controller/app/worlds_command.hpp"
#include "lab/cli/lab_cli.hpp"

namespace {

using namespace conntruth;       // NOLINT(google-build-using-namespace): this file is the top of the program
using namespace conntruth::app;  // NOLINT(google-build-using-namespace)

constexpr int kToolError = 1;

int fail_with(const Error& error) {
  fmt::print(stderr, "conntruth: {}\n", error.message);
  return kToolError;
}

int done(const Status& status) { return status ? 0 : fail_with(status.error()); }

int show(const Result<report::Report>& report, OutputFormat format) {
  if (!report) return fail_with(report.error());
  print_report(*report, format);
  return report->exit_code();
}

void add_output(CLI::App& command, OutputFormat& format) {
  static const std::map<std::string, OutputFormat> kFormats = {{"table", OutputFormat::kTable},
                                                               {"wide", OutputFormat::kWide},
                                                               {"json", OutputFormat::kJson},
                                                               {"yaml", OutputFormat::kYaml}};
  command.add_option("-o,--output", format, "table, wide, json or yaml")
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case).description(""));
}

// Everything that the command line can set; lives as long as the parse and the command.
struct Arguments {
  RunRequest request;
  OutputFormat format = OutputFormat::kTable;
  OutputFormat matrix_format = OutputFormat::kWide;  // whoever asks for matrices wants to see them
  std::vector<std::string> protocols;
  std::vector<std::string> families;
  std::string run;
  std::string cell;
  std::string profile;
  std::string list_what = "scenarios";
  CleanupRequest cleanup;
  int exit_code = 0;
};

Status read_protocols_and_families(Arguments& arguments) {
  for (const auto& text : arguments.protocols) {
    auto protocol = parse_protocol(text);
    if (!protocol) return std::unexpected(protocol.error().in("--protocol"));
    arguments.request.options.protocols.push_back(*protocol);
  }
  for (const auto& text : arguments.families) {
    if (text != "ipv4" && text != "ipv6") {
      return fail(ErrorCode::kInvalidInput, "--ip-family: \"" + text + "\" is neither ipv4 nor ipv6");
    }
    arguments.request.options.families.push_back(text == "ipv4" ? Family::kIpv4 : Family::kIpv6);
  }
  return {};
}

void add_selection(CLI::App& command, Arguments& arguments) {
  auto& options = arguments.request.options;
  command.add_option("--select", options.select, "only these: scenario, requirement or cell ids, * and ? allowed")
      ->delimiter(',');
  command.add_option("--skip", options.skip, "not these")->delimiter(',');
  command.add_option("--protocol", arguments.protocols, "only these: tcp, udp, sctp")->delimiter(',');
  command.add_option("--ip-family", arguments.families, "only these: ipv4, ipv6")->delimiter(',');
}

void add_run(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("run", "probe Services from every node and judge what the dataplane did");
  auto& request = arguments.request;
  command->add_option("--lab", request.lab, "the lab to run in; without it \"default\", or one made for this run");
  command->add_option("--world", request.world_file, "check the Services of this file instead of the catalogue")
      ->check(CLI::ExistingFile);
  command->add_option("--catalogue", request.catalogue, "directory of scenario files");
  command->add_option("--profile", request.profile,
                      "known deviations to judge by: auto (of the lab's proxies, the default), none, or a profile's "
                      "name or file, with @VERSION for another than the lab's");
  command->add_option("--budget", request.budget_pps, "probes per second and node")->check(CLI::Range(1, 1'000'000));
  command->add_flag("-q,--quiet", request.quiet, "no progress on stderr");
  add_selection(*command, arguments);
  add_output(*command, arguments.format);
  command->footer(
      "Exit codes: 0 pass, 1 tool error, 2 a check failed, 3 nothing runnable.\n\nExamples:\n"
      "  conntruth run                                        the whole catalogue, in a lab of its own\n"
      "  conntruth run --lab two --select 'clusterip*' -o wide\n"
      "  conntruth run --select SV-18,EC-20 --protocol udp --ip-family ipv6\n"
      "  conntruth run --world services.yaml -o json > report.json");
  command->callback([&arguments] {
    if (auto status = read_protocols_and_families(arguments); !status) {
      arguments.exit_code = fail_with(status.error());
      return;
    }
    arguments.exit_code = show(run(arguments.request), arguments.format);
  });
}

void add_matrix(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("matrix", "print the matrices of a stored run");
  command->add_option("RUN", arguments.run, "run id; without it the newest");
  add_output(*command, arguments.matrix_format);
  command->footer("Examples:\n  conntruth matrix\n  conntruth matrix 20260102T030405.678Z -o json");
  command->callback([&arguments] { arguments.exit_code = show(load_report(arguments.run), arguments.matrix_format); });
}

void add_explain(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("explain", "what a cell was expected to do, by which rules, and what it did");
  command->add_option("CELL", arguments.cell, "cell id as the report prints it")->required();
  command->add_option("--run", arguments.run, "run id; without it the newest");
  command->footer("Example:\n  conntruth explain 'clusterip/steady/node-2>clusterIP:web:tcp/tcp/ipv6'");
  command->callback([&arguments] {
    const auto report = load_report(arguments.run);
    if (!report) {
      arguments.exit_code = fail_with(report.error());
      return;
    }
    const auto text = report::explain(*report, arguments.cell);
    if (text) fmt::print("{}", *text);
    arguments.exit_code = text ? 0 : fail_with(text.error());
  });
}

void add_rejudge(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("rejudge", "judge a stored run again from its samples");
  command->add_option("RUN", arguments.run, "run id; without it the newest");
  add_output(*command, arguments.format);
  command->footer("Example:\n  conntruth rejudge 20260102T030405.678Z -o json");
  command->callback([&arguments] { arguments.exit_code = show(rejudge(arguments.run), arguments.format); });
}

void add_list(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("list", "list scenarios or stored runs");
  command->add_option("WHAT", arguments.list_what, "scenarios (default) or runs")
      ->check(CLI::IsMember({"scenarios", "runs"}));
  command->add_option("--catalogue", arguments.request.catalogue, "directory of scenario files");
  add_output(*command, arguments.format);
  command->footer("Examples:\n  conntruth list -o wide\n  conntruth list runs -o json");
  command->callback([&arguments] {
    const bool runs = arguments.list_what == "runs";
    arguments.exit_code =
        done(runs ? list_runs(arguments.format) : list_scenarios(arguments.request.catalogue, arguments.format));
  });
}

void add_profile(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("profile", "what dataplanes are known to do otherwise than specified");
  command->require_subcommand(1);
  command->footer("Examples:\n  conntruth profile list\n  conntruth profile show kube-proxy-nftables -o json");
  auto* list = command->add_subcommand("list", "the profiles that come with the program");
  add_output(*list, arguments.format);
  list->callback([&arguments] { arguments.exit_code = done(list_profiles(arguments.format)); });
  auto* one = command->add_subcommand("show", "the facts of a profile, each with its source");
  one->add_option("PROFILE", arguments.profile, "its name, or a file")->required();
  add_output(*one, arguments.format);
  one->callback([&arguments] { arguments.exit_code = done(show_profile(arguments.profile, arguments.format)); });
}

void add_cleanup(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("cleanup", "remove what runs made in a cluster and left, after a crash for one");
  auto& request = arguments.cleanup;
  auto* lab = command->add_option("--lab", request.lab, "a lab with a Kubernetes API");
  auto* kubeconfig = command->add_option("--kubeconfig", request.kubeconfig,
                                         "file; without it $KUBECONFIG, ~/.kube/config, or the pod's service account");
  auto* context = command->add_option("--context", request.context, "of the kubeconfig, without it the current one");
  kubeconfig->excludes(lab);
  context->excludes(lab);
  command->add_flag("--force", request.force, "also while the Lease says that a run is going on");
  command->footer(
      "Only objects with the label app.kubernetes.io/managed-by=conntruth are removed.\n"
      "Exit codes: 0 nothing of conntruth is left, 1 error.\n\nExamples:\n"
      "  conntruth cleanup --lab rk\n  conntruth cleanup --kubeconfig ~/.kube/config --context staging");
  command->callback([&arguments] {
    const auto report = cleanup(arguments.cleanup);
    arguments.exit_code = report ? 0 : fail_with(report.error());
    if (!report) return;
    fmt::print("{}: {} Services and {} EndpointSlices removed; nothing of conntruth is left\n", report->cluster,
               report->services, report->endpoint_slices);
  });
}

void add_demo(CLI::App& app, Arguments& arguments) {
  auto* command =
      app.add_subcommand("demo", "the whole tool on real packets: a lab, a run, one planted fault, clean-up");
  command->callback([&arguments] {
    const auto status = demo();
    arguments.exit_code = status ? 0 : fail_with(status.error());
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("conntruth tells what a Kubernetes Service dataplane really does to packets, from every node.");
  app.set_version_flag("--version", std::string("conntruth ") + kVersion);
  app.require_subcommand(1);
  Arguments arguments;
  add_run(app, arguments);
  add_worlds(app, arguments.exit_code);
  add_matrix(app, arguments);
  add_explain(app, arguments);
  add_rejudge(app, arguments);
  add_list(app, arguments);
  add_profile(app, arguments);
  lab::add_lab_commands(app, arguments.exit_code);
  add_cleanup(app, arguments);
  add_demo(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11's own codes start at 100; a wrong command line is a tool error here.
    return app.exit(error) == 0 ? 0 : kToolError;
  }
  return arguments.exit_code;
}
