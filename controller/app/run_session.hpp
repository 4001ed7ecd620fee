#pragma once
// One run in an environment that is there already: plan, agents, stages, store, judge. `run_command` brings the lab to
// it, `serve_command` the cluster. Errors come back as Status; a run that began is stored as partial then.
// Threading: one thread at a time enters the environment, the caller's or, at the end, one of its own; `interrupted`
// may be set from any.

#include <atomic>
#include <string>

#include "controller/app/progress.hpp"
#include "controller/app/run_request.hpp"
#include "controller/fleet/fleet.hpp"
#include "controller/provider/environment.hpp"
#include "controller/report/report.hpp"
#include "controller/store/run_store.hpp"

namespace conntruth::app {

struct RunSession {
  Environment& environment;
  fleet::FleetOptions fleet;  // who is let in
  std::string listen;         // the fleet's target
  std::string endpoint;       // where agents reach it
  Progress& progress;
  const std::atomic<bool>& interrupted;
};

// Of the present time.
[[nodiscard]] std::string new_run_id();

// The report is what `rejudge` of this run gives.
[[nodiscard]] Result<report::Report> carry_out_run(RunSession& session, const RunRequest& request,
                                                   const store::RunStore& runs, const std::string& id);

}  // namespace conntruth::app
