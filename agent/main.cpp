// conntruth-agent: sends and answers probes on one node, as its controller says. See app.hpp and cluster_agent.hpp.

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/app.hpp"
#include "agent/cluster/cluster_agent.hpp"
#include "agent/cluster/health.hpp"

namespace {

using conntruth::Status;
using conntruth::agent::AppOptions;
using conntruth::agent::ClusterOptions;

constexpr auto kExamples = R"(
Examples:
  conntruth-agent --node node-1 --controller unix:/run/conntruth/labs/default/controller.sock \
                  --place node-1-pod-0=/run/conntruth/pods/node-1-pod-0
  conntruth-agent --node worker-7 --controller 10.0.0.5:7443 --ca ca.crt --token token --budget 20000
  conntruth-agent --cluster        in a DaemonSet: waits for runs, finds their controller and this node's anchors
  conntruth-agent --check ready    the answer to a kubelet's probe: is the agent of this container ready (or live)?

It runs inside the network namespace of its node and needs CAP_NET_RAW, CAP_NET_ADMIN on newer kernels, CAP_SYS_ADMIN
for --place, and CAP_SYS_PTRACE besides for --cluster. Without --cluster it ends when the controller says so, on SIGTERM, or when the controller was not
heard of for --give-up seconds; with it, on SIGTERM only.
Exit codes: 0 ended in order, 1 error.)";

struct CommandLine {
  AppOptions app;
  ClusterOptions cluster;
  bool in_cluster = false;
  std::vector<std::string> places;
  std::string check;
  std::string level = "info";
  unsigned give_up = 60;
};

void add_work_options(CLI::App& cli, CommandLine& line) {
  cli.add_option("--node", line.app.node, "this node's name")->envname("NODE_NAME");
  cli.add_option("--controller", line.app.controller, "where the controller listens: unix:PATH or HOST:PORT");
  cli.add_option("--place", line.places, "NAME=PATH: a pod of this node and its network namespace; repeatable");
  cli.add_option("--budget", line.app.budget, "most probes per second")
      ->check(CLI::Range(1U, 10'000'000U))
      ->capture_default_str();
  cli.add_option("--awaited", line.app.awaited, "answers that each namespace awaits at a time, at most")
      ->check(CLI::Range(8U, 256U))
      ->capture_default_str();
  cli.add_option("--give-up", line.give_up, "seconds without the controller after which a session ends")
      ->check(CLI::Range(1U, 86'400U))
      ->capture_default_str();
  cli.add_option("--log-level", line.level, "trace, debug, info, warning, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
}

void add_security_options(CLI::App& cli, CommandLine& line) {
  auto& security = line.app.security;
  cli.add_option("--ca", security.ca_file, "PEM file: whose certificates a controller on TCP may show")
      ->envname("CONNTRUTH_CA");
  cli.add_option("--server-name", security.server_name, "the name that the controller's certificate has to carry")
      ->capture_default_str();
  cli.add_option("--token", security.token_file, "file with what this agent proves itself with to a controller on TCP")
      ->envname("CONNTRUTH_TOKEN");
  cli.add_flag("--plaintext", security.plaintext_lab, "a controller on TCP without TLS: in a lab only");
}

void add_cluster_options(CLI::App& cli, CommandLine& line) {
  auto& cluster = line.cluster;
  cli.add_flag("--cluster", line.in_cluster, "serve the runs of a cluster, one after the other");
  cli.add_option("--namespace", cluster.namespace_name, "with --cluster: where conntruth is installed")
      ->envname("POD_NAMESPACE")
      ->capture_default_str();
  cli.add_option("--api-server", cluster.api_server,
                 "with --cluster: URL of the API server, for a cluster whose Services cannot be trusted with it")
      ->envname("CONNTRUTH_API_SERVER");
  cli.add_option("--kubeconfig", cluster.kubeconfig, "with --cluster: instead of the pod's service account");
  cli.add_option("--service-account", cluster.service_account, "with --cluster: folder of token, ca.crt and namespace")
      ->capture_default_str();
  cli.add_option("--state", cluster.state_directory, "folder for health and what is worth to know after a restart")
      ->capture_default_str();
  cli.add_option("--check", line.check, "live or ready: asks the agent that uses the same --state, prints and ends")
      ->check(CLI::IsMember({"live", "ready"}));
}

Status run(CommandLine& line) {
  line.app.give_up_after = std::chrono::seconds(line.give_up);
  for (const auto& place : line.places) {
    if (auto added = conntruth::agent::add_place(place, line.app.places); !added) return added;
  }
  if (!line.in_cluster) return conntruth::agent::run(line.app);
  auto& cluster = line.cluster;
  cluster.node = line.app.node;
  cluster.security = line.app.security;
  if (cluster.security.ca_file.empty()) cluster.security.ca_file = "/etc/conntruth/tls/ca.crt";
  if (cluster.security.token_file.empty()) cluster.security.token_file = "/var/run/secrets/conntruth/token";
  cluster.budget = line.app.budget;
  cluster.awaited = line.app.awaited;
  cluster.give_up_after = line.app.give_up_after;
  return conntruth::agent::run_in_cluster(cluster);
}

// What CLI11 cannot say: which options belong together.
Status check_together(const CommandLine& line) {
  using conntruth::ErrorCode;
  using conntruth::fail;
  if (line.app.node.empty()) return fail(ErrorCode::kInvalidInput, "--node is missing (or $NODE_NAME)");
  if (line.in_cluster && (!line.app.controller.empty() || !line.places.empty())) {
    return fail(ErrorCode::kInvalidInput,
                "--cluster finds controller and places itself; leave out --controller, --place");
  }
  if (line.in_cluster && line.app.security.plaintext_lab) {
    return fail(ErrorCode::kInvalidInput, "--plaintext is for labs; a cluster's controller speaks TLS");
  }
  if (!line.in_cluster && line.app.controller.empty()) {
    return fail(ErrorCode::kInvalidInput, "--controller is missing; or --cluster in a cluster");
  }
  return {};
}

int fail_with(const std::string& message) {
  std::fprintf(stderr, "conntruth-agent: %s\n", message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  line.app.security.server_name = "conntruth-controller.conntruth-system.svc";
  CLI::App cli("Sends and answers probes on one node, as its conntruth controller says");
  cli.footer(kExamples);
  cli.set_version_flag("--version", CONNTRUTH_VERSION);
  add_work_options(cli, line);
  add_security_options(cli, line);
  add_cluster_options(cli, line);
  CLI11_PARSE(cli, argc, argv);

  if (!line.check.empty()) {
    const auto health = conntruth::agent::check_health(line.cluster.state_directory, line.check == "ready");
    if (!health) return fail_with(health.error().message);
    std::printf("%s\n", health->c_str());
    return 0;
  }
  if (const auto together = check_together(line); !together) return fail_with(together.error().message);
  spdlog::set_default_logger(spdlog::stderr_logger_mt(line.app.node));
  spdlog::set_level(spdlog::level::from_str(line.level));
  spdlog::flush_on(spdlog::level::info);
  if (const auto ended = run(line); !ended) return fail_with(ended.error().message);
  return 0;
}
