#pragma once
// Causes and walks as JSON, for the report's document: only red cells have them, so they are made apart. Pure.

#include <string>

#include "controller/evidence/testimony.hpp"

namespace conntruth::report {

// As `reason.cause` and as a cell's `evidence` of docs/report.schema.json.
[[nodiscard]] std::string cause_to_json(const evidence::Cause& cause);
[[nodiscard]] std::string evidence_to_json(const evidence::CellEvidence& evidence);
// A list as `evidence.entries` there is; times are since `begin_ns`.
[[nodiscard]] std::string entries_to_json(const std::vector<evidence::FollowedEntry>& entries, std::int64_t begin_ns);

}  // namespace conntruth::report
