#include "common/data_folder.hpp"

#include <filesystem>

namespace conntruth {

std::string data_folder(std::string_view name, std::string_view in_sources, const std::string& program) {
  std::error_code error;
  const auto real = std::filesystem::canonical(program, error);
  const auto installed = real.parent_path().parent_path() / "share/conntruth" / name;
  if (!error && std::filesystem::is_directory(installed, error)) return installed.string();
  return std::string(in_sources);
}

}  // namespace conntruth
