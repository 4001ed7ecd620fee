#include "tests/lab/run/run_fixture.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace conntruth {

std::string RunTest::command_line(const std::filesystem::path& process) {
  std::ifstream file(process / "cmdline");
  std::string text(std::istreambuf_iterator<char>(file), {});
  std::ranges::replace(text, '\0', ' ');
  return text;
}

}  // namespace conntruth
