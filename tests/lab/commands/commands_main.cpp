// `conntruth-lab-commands lab ...`: nothing but the lab's commands.
#include <CLI/CLI.hpp>

#include "lab/cli/lab_cli.hpp"

int main(int argc, char** argv) {
  CLI::App app("the lab's commands");
  int exit_code = 0;
  conntruth::lab::add_lab_commands(app, exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
