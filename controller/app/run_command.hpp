#pragma once
// `conntruth run`: opens the lab, plans, carries out, judges and prints. Also what the demo is made of.
// Errors come back as Status; the caller prints them. Threading: the main thread.

#include <cstdint>
#include <string>
#include <vector>

#include "controller/app/run_inputs.hpp"
#include "controller/report/report.hpp"
#include "controller/worlds/world_file.hpp"

namespace conntruth::app {

enum class OutputFormat : std::uint8_t { kTable, kWide, kJson, kYaml };

struct RunRequest {
  std::string lab;               // "": lab "default" where it exists, else one of its own that is removed afterwards
  std::string world_file;        // "": the catalogue
  std::string catalogue;         // directory of scenario files
  worlds::WorldSet worlds;       // not empty: these are checked
  std::string profile = "auto";  // "auto": of the lab's proxies where there is one; "none"; a name or file, "@VERSION"
  plan::PlanOptions options;
  std::uint32_t budget_pps = 50'000;  // probes per second and agent
  bool quiet = false;
};

// Runs and stores; the report is what `rejudge` of this run gives. The run's directory is named on stderr.
[[nodiscard]] Result<report::Report> run(const RunRequest& request);

// The report on stdout in that format; its exit code is Report::exit_code().
void print_report(const report::Report& report, OutputFormat format);

}  // namespace conntruth::app
