#pragma once
// `conntruth run`: opens the lab, plans, carries out, judges and prints. Also what the demo is made of.
// Errors come back as Status; the caller prints them. Threading: the main thread.

#include <string>
#include <vector>

#include "controller/app/output_format.hpp"
#include "controller/app/run_request.hpp"
#include "controller/report/report.hpp"

namespace conntruth::app {

// Runs and stores; the report is what `rejudge` of this run gives. The run's directory is named on stderr.
[[nodiscard]] Result<report::Report> run(const RunRequest& request);

// The report as text in that format.
[[nodiscard]] std::string render(const report::Report& report, OutputFormat format, bool colour);
// The same on stdout; its exit code is Report::exit_code().
void print_report(const report::Report& report, OutputFormat format);

}  // namespace conntruth::app
