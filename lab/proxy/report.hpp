#pragma once
// The file in which a proxy says how far it is; the lab reads it. Replaced by rename, so a reader never sees half of
// it.

#include <cstdint>
#include <string>

#include "common/result.hpp"

namespace conntruth::lab_proxy {

struct Report {
  std::string node;
  std::uint64_t generation = 0;  // of the world whose rules are in the kernel; 0 before the first
  std::int64_t at_ns = 0;        // CLOCK_MONOTONIC right after those rules were committed
  std::uint64_t changed = 0;     // chains, sets and elements that this generation added, rewrote or removed
  std::string error;             // of the last attempt, "" if it succeeded; then the fields above stay as they were
};

[[nodiscard]] std::string to_json(const Report& report);
// Makes the file's directory if it is not there.
[[nodiscard]] Status write_report(const Report& report, const std::string& path);

}  // namespace conntruth::lab_proxy
