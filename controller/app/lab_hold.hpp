#pragma once
// The lab of a command: the one that was named, "default" where it is up, or one of the command's own that is removed
// when the hold ends. Threading: the main thread.

#include <memory>
#include <string>

#include "common/result.hpp"

namespace conntruth::app {

class LabHold {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LabHold>> get(const std::string& wanted, bool quiet);
  ~LabHold();
  LabHold(const LabHold&) = delete;
  LabHold& operator=(const LabHold&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  LabHold(std::string name, bool own) : name_(std::move(name)), own_(own) {}
  std::string name_;
  bool own_;
};

}  // namespace conntruth::app
