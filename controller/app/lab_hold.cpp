#include "controller/app/lab_hold.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include "lab/lab.hpp"

namespace conntruth::app {

Result<std::unique_ptr<LabHold>> LabHold::get(const std::string& wanted, bool quiet) {
  if (!wanted.empty()) return std::unique_ptr<LabHold>(new LabHold(wanted, false));
  if (lab::Lab::open("default")) return std::unique_ptr<LabHold>(new LabHold("default", false));
  lab::LabSpec spec;
  spec.name = "run-" + std::to_string(getpid());
  if (!quiet) fmt::print(stderr, "conntruth: no lab \"default\" is up; making one for this run\n");
  auto hold = std::unique_ptr<LabHold>(new LabHold(spec.name, true));
  if (auto lab = lab::Lab::up(spec); !lab) return std::unexpected(lab.error());
  return hold;
}

LabHold::~LabHold() {
  if (own_) (void)lab::Lab::down(name_);
}

}  // namespace conntruth::app
