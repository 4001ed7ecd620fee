#pragma once
// A lab of three nodes in which faults are planted and runs are made by the real program. Goes with the object.
// Threading: one thread per lab.

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "lab/lab.hpp"
#include "tests/faults/expectation.hpp"
#include "tests/support/process.hpp"

namespace conntruth::faults {

[[nodiscard]] std::vector<std::string> all_nodes();

class FaultLab {
 public:
  // `mark`: tells labs of one process apart. The name in `spec` does not count.
  [[nodiscard]] static Result<FaultLab> up(const std::string& mark, lab::LabSpec spec = {});
  FaultLab(FaultLab&& other) noexcept;
  FaultLab& operator=(FaultLab&&) = delete;
  FaultLab(const FaultLab&) = delete;
  FaultLab& operator=(const FaultLab&) = delete;
  ~FaultLab();

  [[nodiscard]] Status plant(const std::string& fault, const std::string& node) const;
  [[nodiscard]] Status heal(const std::string& fault, const std::string& node) const;
  // `select` as for `conntruth run`.
  [[nodiscard]] support::Finished run(const std::vector<std::string>& select) const;
  // Of so many random worlds.
  [[nodiscard]] Result<Report> worlds(std::uint64_t seed, unsigned count) const;

 private:
  explicit FaultLab(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string state_directory() const { return "/tmp/conntruth-test-" + name_; }
  [[nodiscard]] support::Finished conntruth(std::vector<std::string> words) const;
  [[nodiscard]] Status change(const char* verb, const std::string& fault, const std::string& node) const;

  std::string name_;  // "": moved from
};

}  // namespace conntruth::faults
