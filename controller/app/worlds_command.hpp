#pragma once
// `conntruth worlds`: random worlds in a lab. Makes them from a seed, has a sample of their flows probed and judged as
// in any run (it is a stored run: explain, rejudge and matrix know it), and shrinks each world that fails: what can be
// taken out is taken out and probed again, in two copies each time, as long as the same flow fails in the same way.
// Threading: the main thread.

#include <CLI/CLI.hpp>

namespace conntruth::app {

void add_worlds(CLI::App& app, int& exit_code);

}  // namespace conntruth::app
