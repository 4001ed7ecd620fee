// The program `conntruth`: command line and wiring of its subcommands; nothing else.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/app/bundle_command.hpp"
#include "controller/app/cleanup_command.hpp"
#include "controller/app/demo.hpp"
#include "controller/app/install_cli.hpp"
#include "controller/app/output_option.hpp"
#include "controller/app/paths.hpp"
#include "controller/app/remote_commands.hpp"
#include "controller/app/run_command.hpp"
#include "controller/app/serve_command.hpp"
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

const std::vector<std::string> kReportFormats = {"table", "wide", "json", "yaml"};

// Everything that the command line can set; lives as long as the parse and the command.
struct Arguments {
  RunRequest request;
  OutputFormat format = OutputFormat::kTable;
  OutputFormat matrix_format = OutputFormat::kWide;  // whoever asks for matrices wants to see them
  OutputFormat page_format = OutputFormat::kTable;   // of a text about one thing
  std::vector<std::string> protocols;
  std::vector<std::string> families;
  std::string run;
  std::string cell;
  std::string profile;
  std::string list_what = "scenarios";
  ClusterTarget cluster;
  bool plugin = false;  // found as kubectl-conntruth: in a cluster, whatever is asked for
  std::string cancel;
  BundleRequest bundle;
  CleanupRequest cleanup;
  ServeRequest serve;
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

// A command that a cluster's controller can carry out too.
void add_cluster(CLI::App& command, Arguments& arguments) {
  auto& cluster = arguments.cluster;
  command.add_option("--kubeconfig", cluster.kubeconfig, "in the cluster of this file, by its controller")
      ->check(CLI::ExistingFile);
  command.add_option("--context", cluster.context, "of the kubeconfig; without --kubeconfig of kubectl's");
  command.add_option("-n,--namespace", cluster.system_namespace, "of the install in the cluster");
}

bool in_cluster(const Arguments& arguments) {
  return arguments.plugin || !arguments.cluster.kubeconfig.empty() || !arguments.cluster.context.empty();
}

int code_of(const Result<int>& result) { return result ? *result : fail_with(result.error()); }

Status check_remote(const RunRequest& request) {
  const auto refuse = [](const char* flag) {
    return fail(ErrorCode::kInvalidInput, fmt::format("{} is of no use in a cluster; leave it away", flag));
  };
  if (!request.lab.empty()) return refuse("--lab");
  if (!request.catalogue.empty()) return refuse("--catalogue");
  return {};
}

// A narrower choice than --existing makes none by itself, and cannot be overlooked.
Status check_reading(const RunRequest& request) {
  const auto& reading = request.options.reading;
  const plan::ReadingOptions usual;
  const bool narrowed = !reading.services.empty() || !reading.namespaces.empty() || reading.udp ||
                        reading.probes != usual.probes || reading.rate != usual.rate;
  if (!reading.existing && narrowed) {
    return fail(
        ErrorCode::kInvalidInput,
        "--service, --service-namespace, --udp, --probes and --pace are about Services that exist; add --existing");
  }
  if (reading.existing && (!request.world_file.empty() || !request.catalogue.empty() || request.workloads))
    return fail(ErrorCode::kInvalidInput, "--existing makes nothing; leave --world, --catalogue and --workloads away");
  return {};
}

void add_reading(CLI::App& command, plan::ReadingOptions& reading) {
  command.add_flag("--existing", reading.existing, "probe the Services that there are; nothing is created");
  command.add_option("--service", reading.services, "of them only these: NAMESPACE/NAME, * and ? allowed")
      ->delimiter(',');
  command.add_option("--service-namespace", reading.namespaces, "of them those in these namespaces")->delimiter(',');
  command.add_flag("--udp", reading.udp, "of them UDP ports too: an empty datagram for each flow");
  command
      .add_option("--probes", reading.probes, "so many for each of their cells; without it enough to see each endpoint")
      ->check(CLI::Range(1, 100'000));
  command.add_option("--pace", reading.rate, "probes per second and node for them; without it 200")
      ->check(CLI::Range(1, 100'000));
}

int run_there(Arguments& arguments) {
  if (!arguments.cancel.empty()) return done(cancel_remotely(arguments.cluster, arguments.cancel));
  if (auto status = check_remote(arguments.request); !status) return fail_with(status.error());
  return code_of(run_remotely(arguments.cluster, arguments.request, arguments.format));
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
  command
      ->add_flag("--workloads", request.workloads,
                 "in a cluster: real Deployments instead (readiness, scaling, termination, a rolling update)")
      ->excludes("--world", "--catalogue");
  command->add_option("--profile", request.profile,
                      "known deviations to judge by: auto (of the nodes' own proxies, the default), none, or a "
                      "profile's name or file, with @VERSION for another than the nodes'");
  command->add_option("--budget", request.budget_pps, "probes per second and node")->check(CLI::Range(1, 1'000'000));
  command->add_flag("-q,--quiet", request.quiet, "no progress on stderr");
  add_reading(*command, request.options.reading);
  add_cluster(*command, arguments);
  command->add_option("--cancel", arguments.cancel, "in a cluster: end this run instead of beginning one");
  add_selection(*command, arguments);
  add_output(*command, arguments.format, kReportFormats);
  command->footer(
      "Exit codes: 0 pass, 1 tool error, 2 a check failed, 3 nothing runnable.\n\nExamples:\n"
      "  conntruth run                                        the whole catalogue, in a lab of its own\n"
      "  conntruth run --lab two --select 'clusterip*' -o wide\n"
      "  conntruth run --select SV-18,EC-20 --protocol udp --ip-family ipv6\n"
      "  conntruth run --world services.yaml -o json > report.json\n"
      "  conntruth run --lab rk --existing --service 'shop/*'\n"
      "  conntruth run --kubeconfig ~/.kube/config --context staging\n"
      "  kubectl conntruth run                                the same program as kubectl's plug-in\n"
      "  kubectl conntruth run --workloads --select rolling-update");
  command->callback([&arguments] {
    auto status = read_protocols_and_families(arguments);
    if (status) status = check_reading(arguments.request);
    if (!status) {
      arguments.exit_code = fail_with(status.error());
      return;
    }
    arguments.exit_code = in_cluster(arguments) ? run_there(arguments) : show(run(arguments.request), arguments.format);
  });
}

void add_matrix(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("matrix", "print the matrices of a stored run");
  command->add_option("RUN", arguments.run, "run id; without it the newest");
  add_cluster(*command, arguments);
  add_output(*command, arguments.matrix_format, kReportFormats);
  command->footer("Examples:\n  conntruth matrix\n  conntruth matrix 20260102T030405.678Z -o json");
  command->callback([&arguments] {
    arguments.exit_code = in_cluster(arguments)
                              ? code_of(show_remote_run(arguments.cluster, arguments.run, arguments.matrix_format))
                              : show(load_report(arguments.run), arguments.matrix_format);
  });
}

Status explain_here(const Arguments& arguments) {
  const auto report = load_report(arguments.run);
  if (!report) return std::unexpected(report.error());
  const bool document = is_document(arguments.page_format);
  const auto text = document ? report::cell_json(*report, arguments.cell) : report::explain(*report, arguments.cell);
  if (!text) return std::unexpected(text.error());
  if (document) {
    print_document(*text, arguments.page_format);
  } else {
    fmt::print("{}", *text);
  }
  return {};
}

void add_explain(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("explain", "what a cell was expected to do, by which rules, and what it did");
  command->add_option("CELL", arguments.cell, "cell id as the report prints it")->required();
  command->add_option("--run", arguments.run, "run id; without it the newest");
  add_cluster(*command, arguments);
  add_output(*command, arguments.page_format, {"text", "json", "yaml"});
  command->footer(
      "Examples:\n  conntruth explain 'clusterip/steady/node-2>clusterIP:web:tcp/tcp/ipv6'\n"
      "  conntruth explain CELL -o json | jq .evidence.walk");
  command->callback([&arguments] {
    arguments.exit_code = done(in_cluster(arguments) ? explain_remotely(arguments.cluster, arguments.run,
                                                                        arguments.cell, arguments.page_format)
                                                     : explain_here(arguments));
  });
}

void add_bundle(CLI::App& app, Arguments& arguments) {
  auto* command = add_bundle_flags(app, arguments.bundle);
  add_cluster(*command, arguments);
  command->callback([&arguments] {
    arguments.exit_code = done(in_cluster(arguments) ? bundle_remotely(arguments.cluster, arguments.bundle)
                                                     : bundle_here(arguments.bundle));
  });
}

void add_rejudge(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("rejudge", "judge a stored run again from its samples");
  command->add_option("RUN", arguments.run, "run id; without it the newest");
  add_output(*command, arguments.format, kReportFormats);
  command->footer("Example:\n  conntruth rejudge 20260102T030405.678Z -o json");
  command->callback([&arguments] { arguments.exit_code = show(rejudge(arguments.run), arguments.format); });
}

void add_list(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("list", "list scenarios or stored runs");
  command->add_option("WHAT", arguments.list_what, "scenarios (default) or runs")
      ->check(CLI::IsMember({"scenarios", "runs"}));
  command->add_option("--catalogue", arguments.request.catalogue, "directory of scenario files");
  add_cluster(*command, arguments);
  add_output(*command, arguments.format, kReportFormats);
  command->footer("Examples:\n  conntruth list -o wide\n  conntruth list runs -o json");
  command->callback([&arguments] {
    const bool runs = arguments.list_what == "runs";
    if (runs && in_cluster(arguments)) {
      arguments.exit_code = done(list_remote_runs(arguments.cluster, arguments.format));
      return;
    }
    arguments.exit_code =
        done(runs ? list_runs(arguments.format) : list_scenarios(arguments.request.catalogue, arguments.format));
  });
}

void add_profile(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("profile", "what dataplanes are known to do otherwise than specified");
  command->require_subcommand(1);
  command->footer("Examples:\n  conntruth profile list\n  conntruth profile show kube-proxy-nftables -o json");
  auto* list = command->add_subcommand("list", "the profiles that come with the program");
  add_output(*list, arguments.format, kReportFormats);
  list->callback([&arguments] { arguments.exit_code = done(list_profiles(arguments.format)); });
  auto* one = command->add_subcommand("show", "the facts of a profile, each with its source");
  one->add_option("PROFILE", arguments.profile, "its name, or a file")->required();
  add_output(*one, arguments.format, kReportFormats);
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

void add_serve(CLI::App& app, Arguments& arguments) {
  auto* command = app.add_subcommand("serve", "the controller in a cluster: runs are asked for over HTTP");
  auto& request = arguments.serve;
  command->add_option("--kubeconfig", request.kubeconfig, "file; without it the pod's service account");
  command->add_option("--context", request.context, "of the kubeconfig");
  command->add_option("--api-server", request.api_server, "URL of the API server, past its Service");
  command->add_option("--namespace", request.system_namespace, "of the install")->envname("POD_NAMESPACE");
  command->add_option("--pod", request.pod, "name of this pod")->envname("POD_NAME");
  command->add_option("--address", request.address, "of this pod: listened on and told to the agents")
      ->envname("POD_IP");
  command->add_option("--agents-port", request.agents_port, "where agents come to");
  command->add_option("--http-port", request.http_port, "where clients come to");
  command->add_option("--tls", request.tls_directory, "directory of tls.crt and tls.key");
  command->add_flag("--plaintext-lab", request.plaintext, "agents without TLS and tokens: on a lab's own network only");
  command->add_option("--cluster-name", request.cluster, "of the cluster, for reports");
  command
      ->add_option("--service-range", request.service_ranges, "of ClusterIPs, where there are no ServiceCIDR objects")
      ->delimiter(',');
  command->add_option("--resolv-conf", request.resolv_conf,
                      "of a pod: which DNS server and domain Services' names have");
  command->add_option("--external-ips", request.external_ips, "addresses that nobody owns, for externalIPs")
      ->delimiter(',');
  command->add_option("--load-balancer-ips", request.load_balancer_ips, "the same, for load balancers")->delimiter(',');
  command->add_option("--node-ports", request.node_ports, "the API server's --service-node-port-range");
  command->add_option("--anchors", request.anchors, "anchor pods on each node")->check(CLI::Range(1, 9));
  command->add_option("--slowness", request.slowness, "how many times longer than usual the dataplane may take")
      ->check(CLI::Range(1, 20));
  command->add_option("--keep", request.keep, "so many runs are kept")->check(CLI::Range(1, 1000));
  command->footer(
      "Ends on SIGTERM, with the run that goes on. Example:\n  conntruth serve --address 10.244.1.5 --pod c-0");
  command->callback([&arguments] { arguments.exit_code = done(serve(arguments.serve)); });
}

void add_demo(CLI::App& app, Arguments& arguments) {
  auto* command =
      app.add_subcommand("demo", "the whole tool on real packets: a lab, a run, one planted fault, clean-up");
  command->callback([&arguments] {
    const auto status = demo();
    arguments.exit_code = status ? 0 : fail_with(status.error());
  });
}

// CLI11 misses a subcommand before it looks at what stands there instead.
std::string wrong_command(const CLI::App& app, const CLI::ParseError& error) {
  const auto words = app.remaining(true);
  if (error.get_name() != "RequiredError" || words.empty() || words.front().starts_with("-")) return {};
  return fmt::format("no command is named {}; --help lists those that there are", words.front());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("conntruth tells what a Kubernetes Service dataplane really does to packets, from every node.");
  app.set_version_flag("--version", std::string("conntruth ") + kVersion);
  app.require_subcommand(1);
  Arguments arguments;
  arguments.plugin = std::string_view(argv[0]).ends_with("kubectl-conntruth");
  if (arguments.plugin) app.name("kubectl conntruth");
  add_run(app, arguments);
  add_worlds(app, arguments.exit_code);
  add_matrix(app, arguments);
  add_explain(app, arguments);
  add_bundle(app, arguments);
  add_rejudge(app, arguments);
  add_list(app, arguments);
  add_profile(app, arguments);
  lab::add_lab_commands(app, arguments.exit_code);
  add_install_commands(app, arguments.exit_code);
  add_cleanup(app, arguments);
  add_serve(app, arguments);
  add_demo(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const auto line = wrong_command(app, error); !line.empty()) return fail_with({ErrorCode::kInvalidInput, line});
    // CLI11's own codes start at 100; a wrong command line is a tool error here.
    return app.exit(error) == 0 ? 0 : kToolError;
  }
  return arguments.exit_code;
}
