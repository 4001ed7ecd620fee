#pragma once
// What the lab's commands share; each add_*() makes its subcommands. Internal to lab/cli.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab::cli {

void add_up_and_down(CLI::App& lab, int& exit_code);  // up, down, list
void add_status(CLI::App& lab, int& exit_code);
void add_exec(CLI::App& lab, int& exit_code);  // exec, shell
void add_world(CLI::App& lab, int& exit_code);
void add_image(CLI::App& lab, int& exit_code);
void add_faults(CLI::App& lab, int& exit_code);

// Prints a failure to stderr; the exit code of either.
[[nodiscard]] int finish(const Status& status);
[[nodiscard]] int finish(const Error& error);

// "--lab NAME", "--name NAME" and, as a position, LAB: all one option with the value "default" where none is given.
void add_lab_option(CLI::App& command, std::string& lab);

// Positions of a command whose first one, LAB, may be left out or given by --lab: LAB? WORD{count}.
struct Words {
  std::string lab_option;          // --lab
  std::vector<std::string> words;  // all positions
};
void add_words(CLI::App& command, Words& words, const std::string& usage);
// The lab's name taken off the front of `words`; kInvalidInput says what is missing, after `usage`.
[[nodiscard]] Result<std::string> take_lab(Words& words, std::size_t count, const std::string& usage);

// Columns padded to their widest cell, two spaces apart, no trailing blanks.
[[nodiscard]] std::string as_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace conntruth::lab::cli
