#pragma once
// Which function of the kernel an address lies in, by /proc/kallsyms. The kernel makes that list of hundreds of
// thousands of lines anew for each reader, in a tenth of a second and more, so it is read once, when first asked;
// modules that come later have no names here. Some 7 MB. Threading: one thread at a time.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace conntruth::observe {

class KernelSymbols {
 public:
  explicit KernelSymbols(std::string path = "/proc/kallsyms") : path_(std::move(path)) {}

  // Its name without what compilers append (".part.0"), good for as long as this is; "" where there is none or the list
  // may not be read.
  [[nodiscard]] std::string_view function_at(std::uint64_t address);

 private:
  struct Function {
    std::uint64_t address = 0;
    std::uint32_t at = 0, size = 0;  // of its name in `names_`
  };
  void read();

  std::string path_;
  bool is_read_ = false;
  std::vector<Function> functions_;  // by address
  std::string names_;
};

}  // namespace conntruth::observe
