#pragma once
// What a run is asked for, wherever the wish comes from: the command line, or another program over HTTP.
// Threading: values.

#include <cstdint>
#include <string>

#include "controller/plan/planner.hpp"
#include "controller/worlds/world_file.hpp"

namespace conntruth::app {

struct RunRequest {
  std::string lab;               // "": lab "default" where it exists, else one of its own that is removed afterwards
  std::string world_file;        // "": the catalogue
  std::string world_text;        // not empty: what the file has; `world_file` is then its name in messages only
  std::string catalogue;         // directory of scenario files
  worlds::WorldSet worlds;       // not empty: these are checked
  bool workloads = false;        // real Deployments are checked
  std::string profile = "auto";  // "auto": of the dataplanes where there is one; "none"; a name or file, "@VERSION"
  plan::PlanOptions options;
  std::uint32_t budget_pps = 50'000;  // probes per second and agent
  bool quiet = false;
};

// The part of it that another machine can carry out, as JSON. A file is read and goes along.
[[nodiscard]] Result<std::string> request_to_json(const RunRequest& request);
// kInvalidInput names a field that is unknown or wrong.
[[nodiscard]] Result<RunRequest> request_from_json(const std::string& text);

}  // namespace conntruth::app
