// conntruth-agent: sends and answers probes on one node, as its controller says. See app.hpp.

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/app.hpp"

namespace {

constexpr auto kExamples = R"(
Examples:
  conntruth-agent --node node-1 --controller unix:/run/conntruth/labs/default/controller.sock \
                  --place node-1-pod-0=/run/conntruth/pods/node-1-pod-0
  conntruth-agent --node worker-7 --controller 10.0.0.5:7443 --budget 20000

It runs inside the network namespace of its node and needs CAP_NET_RAW, and CAP_SYS_ADMIN for --place. It ends when the
controller says so, on SIGTERM, or when the controller was not heard of for --give-up seconds.
Exit codes: 0 ended in order, 1 error.)";

}  // namespace

int main(int argc, char** argv) {
  conntruth::agent::AppOptions options;
  std::vector<std::string> places;
  std::string level = "info";
  auto give_up = static_cast<unsigned>(options.give_up_after.count());
  CLI::App cli("Sends and answers probes on one node, as its conntruth controller says");
  cli.footer(kExamples);
  cli.set_version_flag("--version", CONNTRUTH_VERSION);
  cli.add_option("--node", options.node, "this node's name")->required();
  cli.add_option("--controller", options.controller, "where the controller listens: unix:PATH or HOST:PORT")
      ->required();
  cli.add_option("--place", places, "NAME=PATH: a pod of this node and its network namespace; repeatable");
  cli.add_option("--budget", options.budget, "most probes per second")
      ->check(CLI::Range(1U, 10'000'000U))
      ->capture_default_str();
  cli.add_option("--awaited", options.awaited, "answers that each namespace awaits at a time, at most")
      ->check(CLI::Range(8U, 256U))
      ->capture_default_str();
  cli.add_option("--give-up", give_up, "seconds without the controller after which it ends")
      ->check(CLI::Range(1U, 86'400U))
      ->capture_default_str();
  cli.add_option("--log-level", level, "trace, debug, info, warning, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  CLI11_PARSE(cli, argc, argv);

  for (const auto& place : places) {
    if (auto added = conntruth::agent::add_place(place, options.places); !added) {
      std::fprintf(stderr, "conntruth-agent: %s\n", added.error().message.c_str());
      return 1;
    }
  }
  options.give_up_after = std::chrono::seconds(give_up);
  spdlog::set_default_logger(spdlog::stderr_logger_mt(options.node));
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::flush_on(spdlog::level::info);
  if (const auto ended = conntruth::agent::run(options); !ended) {
    std::fprintf(stderr, "conntruth-agent: %s\n", ended.error().message.c_str());
    return 1;
  }
  return 0;
}
