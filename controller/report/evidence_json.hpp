#pragma once
// Causes and walks as JSON, for the report's document: only red cells have them, so they are made apart. Pure.

#include <string>

#include "controller/evidence/testimony.hpp"

namespace conntruth::report {

// As `reason.cause` and as a cell's `evidence` of docs/report.schema.json.
[[nodiscard]] std::string cause_to_json(const evidence::Cause& cause);
[[nodiscard]] std::string evidence_to_json(const evidence::CellEvidence& evidence);

}  // namespace conntruth::report
