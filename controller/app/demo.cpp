#include "controller/app/demo.hpp"

#include <fmt/core.h>

#include "controller/app/run_command.hpp"
#include "controller/store/run_store.hpp"
#include "lab/faults/faults.hpp"
#include "lab/lab.hpp"

namespace conntruth::app {

namespace {

constexpr const char* kLab = "conntruth-demo";  // a name that nobody else takes: what bears it is removed
constexpr const char* kFault = "drop-udp-replies";
constexpr const char* kFaultScenario = "clusterip";

void headline(const std::string& text) {
  fmt::print("\n== {}\n\n", text);
  std::fflush(stdout);
}

class DemoLab {
 public:
  ~DemoLab() { (void)lab::Lab::down(kLab); }
  DemoLab() = default;
  DemoLab(const DemoLab&) = delete;
  DemoLab& operator=(const DemoLab&) = delete;
};

Result<report::Report> run_and_print(const RunRequest& request) {
  auto report = run(request);
  if (!report) return report;
  print_report(*report, OutputFormat::kWide);
  const store::RunStore runs;
  fmt::print("report: {}/{}/report.json\n", runs.directory().string(), report->run.id);
  return report;
}

Status show_healthy(const RunRequest& request) {
  headline("The healthy lab: every scenario, from every node (expected | observed | comparison)");
  const auto report = run_and_print(request);
  if (!report) return std::unexpected(report.error());
  if (report->exit_code() == 0) return {};
  return fail(ErrorCode::kInternal, "the healthy lab is not green; the lines above say which cells and why");
}

Status show_fault(const lab::Lab& lab, RunRequest request) {
  auto fault = lab::read_fault_file(lab::fault_directory() + "/" + kFault + ".yaml");
  if (!fault) return std::unexpected(fault.error());
  headline(fmt::format("A fault is planted on {}: {}", fault->default_node, fault->title));
  if (auto status = lab::plant_fault(lab, *fault, ""); !status) return status;
  request.options.select = {kFaultScenario};
  const auto report = run_and_print(request);
  if (auto status = lab::heal_fault(lab, *fault, ""); !status) return status;
  if (!report) return std::unexpected(report.error());
  if (report->exit_code() == 2) return {};
  return fail(ErrorCode::kInternal, "the planted fault was not found");
}

}  // namespace

Status demo() {
  headline("A cluster of network namespaces: three nodes, their pods, a Service proxy each, a client outside");
  (void)lab::Lab::down(kLab);  // what an earlier demo may have left when it was killed
  lab::LabSpec spec;
  spec.name = kLab;
  const DemoLab guard;
  auto lab = lab::Lab::up(spec);
  if (!lab) return std::unexpected(lab.error());
  for (const auto& node : lab->topology().nodes) {
    fmt::print("{}  zone {}  {}  {} pods\n", node.name, node.zone,
               address_of(node.addresses, Family::kIpv4).to_string(), node.pods.size());
  }

  RunRequest request;
  request.lab = kLab;
  if (auto status = show_healthy(request); !status) return status;
  if (auto status = show_fault(*lab, request); !status) return status;

  headline("The fault is healed, the lab removed");
  fmt::print(
      "Next:\n  conntruth list                     what can be checked\n"
      "  conntruth lab up --name my         a lab to play with; `conntruth lab fault list` for ways to break it\n"
      "  conntruth run --lab my             check it\n"
      "  conntruth explain CELL             why a cell is red\n");
  return {};
}

}  // namespace conntruth::app
