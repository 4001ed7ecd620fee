#pragma once
// The `conntruth lab ...` commands. The main program adds them to its own; a command's callback runs while CLI11 parses
// and leaves the exit code (0 or 1; `exec` and `shell`: the command's own) in `exit_code`, which must outlive the
// parsing. Results go to stdout, progress and errors to stderr, one line each with what to do about it.

namespace CLI {
class App;
}

namespace conntruth::lab {

void add_lab_commands(CLI::App& app, int& exit_code);

}  // namespace conntruth::lab
