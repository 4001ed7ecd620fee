#include "agent/observe/conntrack_drops.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace conntruth::observe {

namespace {

std::uint64_t read_now() {
  std::ifstream file("/proc/net/stat/nf_conntrack");
  return dropped_in(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace

std::uint64_t dropped_in(std::string_view statistics) {
  std::istringstream lines{std::string(statistics)};
  std::string line, word;
  std::getline(lines, line);
  std::istringstream head(line);
  std::size_t column = 0;
  while (head >> word && word != "drop") ++column;
  if (word != "drop") return 0;
  std::uint64_t sum = 0;
  while (std::getline(lines, line)) {
    std::istringstream row(line);
    for (std::size_t i = 0; i < column; ++i) row >> word;
    std::uint64_t count = 0;
    if (row >> std::hex >> count) sum += count;
  }
  return sum;
}

ConntrackDrops::ConntrackDrops() : before_(read_now()) {}

// The kernel's counters wrap at 32 bits on each processor.
std::uint64_t ConntrackDrops::count() const {
  const auto now = read_now();
  return now > before_ ? now - before_ : 0;
}

}  // namespace conntruth::observe
