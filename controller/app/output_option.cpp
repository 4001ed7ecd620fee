#include "controller/app/output_option.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <map>

namespace conntruth::app {

void add_output(CLI::App& command, OutputFormat& format, const std::vector<std::string>& words,
                const std::string& about) {
  static const std::map<std::string, OutputFormat> kAll = {{"table", OutputFormat::kTable},
                                                           {"text", OutputFormat::kTable},
                                                           {"wide", OutputFormat::kWide},
                                                           {"json", OutputFormat::kJson},
                                                           {"yaml", OutputFormat::kYaml}};
  command
      .add_option_function<std::string>(
          "-o,--output", [&format](const std::string& word) { format = kAll.at(word); },
          fmt::format("{}{}", about, fmt::join(words, ", ")))
      ->transform(CLI::IsMember(words, CLI::ignore_case).description(""));
}

}  // namespace conntruth::app
