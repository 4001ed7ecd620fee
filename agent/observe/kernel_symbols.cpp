#include "agent/observe/kernel_symbols.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>

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

void KernelSymbols::read() {
  is_read_ = true;
  std::ifstream list(path_);
  std::string line;
  while (std::getline(list, line)) {
    const auto symbol = symbol_of(line);
    if (symbol.address == 0) continue;
    functions_.push_back(
        {symbol.address, static_cast<std::uint32_t>(names_.size()), static_cast<std::uint32_t>(symbol.name.size())});
    names_ += symbol.name;
  }
  // Of several names of one address, the first.
  std::ranges::stable_sort(functions_, std::greater(), &Function::address);
}

std::string_view KernelSymbols::function_at(std::uint64_t address) {
  if (!is_read_) read();
  // The list is in descending order: the first one that is not behind the address.
  const auto found = std::ranges::lower_bound(functions_, address, std::greater(), &Function::address);
  if (found == functions_.end() || address - found->address >= kLongestFunction) return {};
  return std::string_view(names_).substr(found->at, found->size);
}

}  // namespace conntruth::observe
