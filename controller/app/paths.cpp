#include "controller/app/paths.hpp"

#include <filesystem>

namespace conntruth::app {

std::string program_beside_this(std::string_view name) {
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / name).string();
}

}  // namespace conntruth::app
