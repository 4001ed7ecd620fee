#pragma once
// Commands that look at stored runs and at the catalogue: matrix, explain, rejudge, list, profile. They send no packets
// and need no root. Threading: the main thread.

#include <string>

#include "common/result.hpp"
#include "controller/app/run_command.hpp"
#include "controller/report/report.hpp"

namespace conntruth::app {

// `run` is a run id, or "" for the newest run that can be judged.
[[nodiscard]] Result<report::Report> load_report(const std::string& run);

// The same, and the report file is written anew; byte for byte what it was unless the tool changed in between.
[[nodiscard]] Result<report::Report> rejudge(const std::string& run);

[[nodiscard]] Status list_runs(OutputFormat format);
[[nodiscard]] Status list_scenarios(const std::string& catalogue, OutputFormat format);

[[nodiscard]] Status list_profiles(OutputFormat format);
// A profile by name or file: its facts, for people or as JSON.
[[nodiscard]] Status show_profile(const std::string& name_or_path, OutputFormat format);

}  // namespace conntruth::app
