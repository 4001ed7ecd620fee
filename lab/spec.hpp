#pragma once
// A lab's specification as text and its bounds; read_lab_spec() itself is declared in lab.hpp.
// Threading: pure functions.

#include <string>
#include <string_view>

#include "lab/lab.hpp"

namespace conntruth::lab {

// kInvalidInput with the field, the value and what is allowed.
[[nodiscard]] Status check_lab_name(std::string_view name);
[[nodiscard]] Status check_lab_spec(const LabSpec& spec);

// A document that read_lab_spec() reads back to the same value (JSON, one field a line).
[[nodiscard]] std::string write_lab_spec(const LabSpec& spec);

}  // namespace conntruth::lab
