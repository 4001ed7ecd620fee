#include "controller/app/output_format.hpp"

#include <fmt/core.h>

#include "common/codec/json_as_yaml.hpp"

namespace conntruth::app {

void print_document(const std::string& json, OutputFormat format) {
  fmt::print("{}", format == OutputFormat::kYaml ? codec::json_as_yaml(json) : json + "\n");
}

}  // namespace conntruth::app
