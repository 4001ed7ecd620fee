#pragma once
// The flag -o/--output. Threading: the main thread.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "controller/app/output_format.hpp"

namespace conntruth::app {

// `words`: those of "table", "text" (the same), "wide", "json" and "yaml" that the command knows; `about` stands before
// them in the help. `format` outlives the command.
void add_output(CLI::App& command, OutputFormat& format, const std::vector<std::string>& words,
                const std::string& about = "");

}  // namespace conntruth::app
