#include "agent/observe/kernel_symbols.hpp"

#include <charconv>
#include <fstream>
#include <string_view>

namespace conntruth::observe {

namespace {

constexpr std::uint64_t kLongestFunction = 1U << 20U;

// Of "ffffffff81000000 T name [module]", where it is a function at an address that is shown.
struct Symbol {
  std::uint64_t address = 0;
  std::string_view name;
};
Symbol symbol_of(std::string_view line) {
  Symbol symbol;
  const auto [behind, error] = std::from_chars(line.begin(), line.end(), symbol.address, 16);
  const auto at = static_cast<std::size_t>(behind - line.begin());
  if (error != std::errc{} || line.size() < at + 4) return {};
  const auto kind = line[at + 1];
  if (kind != 't' && kind != 'T' && kind != 'w' && kind != 'W') return {};
  symbol.name = line.substr(at + 3);
  symbol.name = symbol.name.substr(0, symbol.name.find_first_of(" \t."));
  return symbol;
}

}  // namespace

const std::string& KernelSymbols::function_at(std::uint64_t address) {
  const auto [position, is_new] = known_.try_emplace(address);
  if (is_new) position->second = look_up(address);
  return position->second;
}

std::string KernelSymbols::look_up(std::uint64_t address) const {
  std::ifstream list(path_);
  std::string line;
  std::uint64_t best = 0;
  std::string name;
  while (std::getline(list, line)) {
    const auto symbol = symbol_of(line);
    if (symbol.address <= best || symbol.address > address) continue;
    best = symbol.address;
    name = symbol.name;
  }
  return best != 0 && address - best < kLongestFunction ? name : "";
}

}  // namespace conntruth::observe
