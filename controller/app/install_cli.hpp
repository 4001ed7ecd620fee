#pragma once
// The command line of `install`, `status` and `uninstall`. Threading: the main thread.

#include <CLI/CLI.hpp>

namespace conntruth::app {

void add_install_commands(CLI::App& app, int& exit_code);

}  // namespace conntruth::app
