#pragma once
// What writer and reader of a run hold. Inside this room only.

#include "controller/store/run_store.hpp"
#include "controller/store/segment.hpp"

namespace conntruth::store {

struct RunWriter::State {
  std::string id;
  std::filesystem::path directory;
  SegmentWriter samples;
  std::string first_error;  // the run is partial because of it
  bool finished = false;

  [[nodiscard]] Status append(const std::string& record);
  [[nodiscard]] Status noted(Status status);
};

struct RunReader::State {
  RunInfo info;
  std::filesystem::path directory;
  std::optional<SegmentReader> samples;
};

// [A-Za-z0-9._-]+ and not "." or "..": it becomes part of a path.
[[nodiscard]] bool is_plain_name(std::string_view name);
[[nodiscard]] RunInfo look_at(const std::filesystem::path& run);

}  // namespace conntruth::store
