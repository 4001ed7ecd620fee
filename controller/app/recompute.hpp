#pragma once
// From a stored run to its report: plans again from the run's inputs, joins and folds its samples, judges. `run` and
// `rejudge` both end here, so the two cannot differ.
// Errors: kInvalidInput where the run's inputs or samples cannot be read, naming the run. Threading: pure but for the
// reader it is given.

#include "common/result.hpp"
#include "controller/report/report.hpp"
#include "controller/store/run_store.hpp"

namespace conntruth::app {

[[nodiscard]] Result<report::Report> recompute(store::RunReader& reader);

}  // namespace conntruth::app
