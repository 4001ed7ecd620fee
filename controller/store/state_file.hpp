#pragma once
// The word on how a run stands. The file has its full size from the beginning, so that "the disk is full" can still be
// written into it. Inside this room only.

#include <filesystem>
#include <string>

#include "controller/store/run_store.hpp"

namespace conntruth::store {

struct StateWord {
  RunState state = RunState::kAbandoned;
  std::string reason;
};

// Creates the file with "running" and this process.
[[nodiscard]] Status create_state(const std::filesystem::path& run);
[[nodiscard]] Status write_state(const std::filesystem::path& run, RunState state, std::string_view reason);
// A run whose process is gone (or is another one with its number) is abandoned.
[[nodiscard]] StateWord read_state(const std::filesystem::path& run);

}  // namespace conntruth::store
