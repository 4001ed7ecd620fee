#pragma once
// How a command's result is printed on stdout. Threading: the main thread.

#include <cstdint>
#include <string>

namespace conntruth::app {

enum class OutputFormat : std::uint8_t { kTable, kWide, kJson, kYaml };

// json or yaml: for programs to read.
[[nodiscard]] constexpr bool is_document(OutputFormat format) {
  return format == OutputFormat::kJson || format == OutputFormat::kYaml;
}
// A JSON document of ours, without a line break at its end, as `format` has it.
void print_document(const std::string& json, OutputFormat format);

}  // namespace conntruth::app
