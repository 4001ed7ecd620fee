#include "controller/app/run_command.hpp"

#include <unistd.h>

#include <iostream>
#include <sstream>

#include "controller/app/interrupt.hpp"
#include "controller/app/lab_environment.hpp"
#include "controller/app/lab_hold.hpp"
#include "controller/app/paths.hpp"
#include "controller/app/progress.hpp"
#include "controller/app/run_session.hpp"
#include "controller/report/table.hpp"

namespace conntruth::app {

Result<report::Report> run(const RunRequest& request) {
  if (geteuid() != 0) {
    return fail(ErrorCode::kPermission,
                "a run enters network namespaces and sends raw packets, which needs root; try sudo");
  }
  const InterruptGuard guard;
  const auto lab = LabHold::get(request.lab, request.quiet);
  if (!lab) return std::unexpected(lab.error());
  const auto& name = (*lab)->name();
  auto environment = LabEnvironment::open(name, {program_beside_this("conntruth-agent"), request.budget_pps});
  if (!environment) return std::unexpected(environment.error());
  TerminalProgress progress(request.quiet);
  const auto endpoint = environment->controller_endpoint();
  RunSession session{*environment, {}, endpoint, endpoint, progress, guard.flag()};
  return carry_out_run(session, request, store::RunStore(), new_run_id());
}

std::string render(const report::Report& report, OutputFormat format, bool colour) {
  switch (format) {
    case OutputFormat::kJson:
      return report::to_json(report);
    case OutputFormat::kYaml:
      return report::to_yaml(report);
    case OutputFormat::kTable:
    case OutputFormat::kWide:
      break;
  }
  std::ostringstream text;
  report::TableOptions options;
  options.mode = format == OutputFormat::kWide ? report::TableMode::kWide : report::TableMode::kCompact;
  options.colour = colour;
  report::print_tables(text, report, options);
  report::print_summary(text, report, options);
  return text.str();
}

void print_report(const report::Report& report, OutputFormat format) {
  std::cout << render(report, format, report::wants_colour(isatty(STDOUT_FILENO) == 1, std::getenv("NO_COLOR")));
}

}  // namespace conntruth::app
