#pragma once
// The running kernel's own description of its types (BTF), by which it is decided what the walk can have here: never by
// the kernel's version, as distributions carry things back. Threading: one thread at a time.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/result.hpp"

struct btf;

namespace conntruth::observe {

class KernelTypes {
 public:
  // kUnsupported where the kernel has none.
  [[nodiscard]] static Result<KernelTypes> load();

  // How many arguments the tracepoint's programs have; none where there is no such tracepoint.
  [[nodiscard]] std::optional<std::size_t> tracepoint_arguments(const std::string& name) const;
  // Names of the values of an enum, without the given beginning.
  [[nodiscard]] std::map<std::uint32_t, std::string> enum_names(const std::string& name,
                                                                const std::string& beginning) const;
  [[nodiscard]] std::optional<std::uint32_t> function(const std::string& name) const;
  [[nodiscard]] bool has_structure(const std::string& name) const;

 private:
  struct Free {
    void operator()(btf* types) const;
  };
  explicit KernelTypes(btf* types) : types_(types) {}
  std::unique_ptr<btf, Free> types_;
};

}  // namespace conntruth::observe
