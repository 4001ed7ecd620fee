#pragma once
// Reads profiles of dataplanes from YAML, strictly: an unknown key, rule or word, and a fact without a source, is an
// error of the form "FILE:LINE: profile NAME: facts[0].when.rules[1]: ...". docs/profiles.md describes the format.
// Threading: pure functions, but for reading files.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/oracle/profile.hpp"

namespace conntruth::profile {

struct ProfileFile {
  oracle::Profile profile;
  std::string origin;  // its path
  std::string text;    // as it was read, for the run's store
};

[[nodiscard]] Result<oracle::Profile> read_profile(std::string_view text, std::string_view origin);

[[nodiscard]] std::string default_directory();
// Those of a directory, by name. kNotFound where it has none; kInvalidInput for the first mistake.
[[nodiscard]] Result<std::vector<ProfileFile>> load_profiles(const std::string& directory);

// By name, or by the path of a file: whatever has a '/' or ends in ".yaml". kNotFound lists the names.
[[nodiscard]] Result<ProfileFile> find_profile(const std::string& name_or_path);

}  // namespace conntruth::profile
