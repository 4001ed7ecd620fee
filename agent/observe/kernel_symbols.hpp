#pragma once
// Which function of the kernel an address lies in, by /proc/kallsyms. The list has hundreds of thousands of lines and
// few addresses are asked for: it is read again for each new one and only the answers are kept.
// Threading: one thread at a time.

#include <cstdint>
#include <map>
#include <string>

namespace conntruth::observe {

class KernelSymbols {
 public:
  explicit KernelSymbols(std::string path = "/proc/kallsyms") : path_(std::move(path)) {}

  // Its name without what compilers append (".part.0"); "" where there is none or the list may not be read.
  [[nodiscard]] const std::string& function_at(std::uint64_t address);

 private:
  [[nodiscard]] std::string look_up(std::uint64_t address) const;
  std::string path_;
  std::map<std::uint64_t, std::string> known_;
};

}  // namespace conntruth::observe
