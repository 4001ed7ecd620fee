#include "lab/cli/lab_cli.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "lab/cli/commands.hpp"

namespace conntruth::lab {

void add_lab_commands(CLI::App& app, int& exit_code) {
  auto* lab = app.add_subcommand("lab", "Clusters on this machine, made of network namespaces");
  lab->require_subcommand(1);
  lab->footer(
      "Examples:\n"
      "  conntruth lab up --name demo              three nodes, two pods each, both families\n"
      "  conntruth lab exec demo node-1 -- ip addr\n"
      "  conntruth lab status demo -o json\n"
      "  conntruth lab down --all");
  cli::add_up_and_down(*lab, exit_code);
  cli::add_status(*lab, exit_code);
  cli::add_exec(*lab, exit_code);
  cli::add_world(*lab, exit_code);
  cli::add_image(*lab, exit_code);
  cli::add_faults(*lab, exit_code);
}

namespace cli {

int finish(const Error& error) {
  fmt::print(stderr, "conntruth lab: {}\n", error.message);
  return 1;
}

int finish(const Status& status) { return status ? 0 : finish(status.error()); }

void add_lab_option(CLI::App& command, std::string& lab) {
  lab = "default";
  command.add_option("LAB,--lab,--name", lab, "The lab's name (default: default)");
}

void add_words(CLI::App& command, Words& words, const std::string& usage) {
  command.add_option("--lab,--name", words.lab_option, "The lab's name, instead of the first position");
  command.add_option("WORDS", words.words, usage);
}

Result<std::string> take_lab(Words& words, std::size_t count, const std::string& usage) {
  if (words.words.size() < count || words.words.size() > count + 1) {
    return fail(ErrorCode::kInvalidInput, "usage: conntruth lab " + usage);
  }
  if (words.words.size() == count) return words.lab_option.empty() ? "default" : words.lab_option;
  auto lab = words.words.front();
  if (!words.lab_option.empty() && words.lab_option != lab) {
    return fail(ErrorCode::kInvalidInput, fmt::format("the lab is named twice: {} and {}", words.lab_option, lab));
  }
  words.words.erase(words.words.begin());
  return lab;
}

std::string as_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      line += fmt::format("{:<{}}  ", row[column], widths[column]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace cli
}  // namespace conntruth::lab
