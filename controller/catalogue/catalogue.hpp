#pragma once
// Scenarios from YAML files, read strictly: an unknown key, a wrong word, a probe of a Service that does not exist or
// lacks what is probed are errors with file and line. The format is described in docs/scenarios.md.
// Threading: pure functions but for reading files.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/catalogue/scenario.hpp"

namespace conntruth::catalogue {

// The scenarios that come with the program.
[[nodiscard]] std::string default_directory();

// All *.yaml files of a directory, sorted by scenario id. kNotFound where there is none; kInvalidInput for the first
// mistake, for an id that stands in two files and for a file that is not named after its scenario.
[[nodiscard]] Result<std::vector<Scenario>> load_catalogue(const std::string& directory);

[[nodiscard]] Result<Scenario> read_scenario(std::string_view text, std::string_view origin);

}  // namespace conntruth::catalogue
