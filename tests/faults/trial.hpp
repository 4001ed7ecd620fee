#pragma once
// A fault is planted in a lab, its cells are run, it is healed, and what came is compared with what the fault says.
// Differences are failures of the running test. Threading: one thread.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/faults/fault_lab.hpp"

namespace conntruth::faults {

struct Trial {
  std::string fault;
  std::string node;
};

// As a parameter's name: "no_route_on_node_2".
[[nodiscard]] std::string name_of(const ::testing::TestParamInfo<Trial>& info);

// One lab for all its trials, and what came of them.
class Court {
 public:
  explicit Court(FaultLab lab) : lab_(std::move(lab)) {}

  void hold(const Trial& trial);
  // Everything that any fault was judged by, once more: no heal left anything behind.
  void check_healed();
  // How many faults were caught, and the causes.
  void print() const;

 private:
  FaultLab lab_;
  unsigned planted_ = 0;
  unsigned caught_ = 0;
  unsigned false_alarms_ = 0;
  CauseCount causes_;
  std::set<std::string> selected_;
};

}  // namespace conntruth::faults
