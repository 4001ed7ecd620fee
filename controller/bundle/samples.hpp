#pragma once
// Samples as lines of CSV (RFC 4180, but with line feeds alone). Pure.

#include <string>
#include <string_view>

#include "common/model/probe.hpp"

namespace conntruth::bundle {

// Names of the columns, with the line's end.
[[nodiscard]] std::string_view sample_columns();
// `witness`: it was sent again to find the cause, and counts for no verdict.
[[nodiscard]] std::string sample_line(const std::string& agent, const Sample& sample, bool witness);

}  // namespace conntruth::bundle
