// conntruth-lab-proxy: the reference Service proxy of one lab node. See app.hpp.

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "lab/proxy/app.hpp"

namespace {

std::string check_prefix(const std::string& text) {
  const auto prefix = conntruth::Prefix::parse(text);
  return prefix ? "" : prefix.error().message;
}

}  // namespace

int main(int argc, char** argv) {
  conntruth::lab_proxy::AppOptions options;
  std::vector<std::string> ranges = {"10.96.0.0/16", "fd00:96::/112"};
  CLI::App cli("Programs Kubernetes Services of a world file into nftables of this network namespace");
  cli.add_option("--node", options.node, "name of the node it runs on")->required();
  cli.add_option("--world", options.world_path, "world file to follow")->required();
  cli.add_option("--report", options.report_path, "file to write the state to")->required();
  cli.add_option("--cluster-ip-range", ranges, "where cluster IPs are taken from")
      ->check(check_prefix)
      ->capture_default_str();
  cli.add_flag("--once", options.once, "apply the world once and leave the rules");
  CLI11_PARSE(cli, argc, argv);
  for (const auto& each : ranges) options.cluster_ip_ranges.push_back(*conntruth::Prefix::parse(each));

  spdlog::set_default_logger(spdlog::stderr_logger_st(options.node));
  spdlog::flush_on(spdlog::level::info);
  return conntruth::lab_proxy::run(options);
}
