#pragma once
// Where a bundle's files go: a folder or a tar archive, whole or not at all. What is there already is left alone.
//
// Errors: kConflict where the target is there, kResource where the disk is full, kPermission; each names the path and a
// remedy. Threading: one thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace conntruth::bundle {

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;  // without finish() nothing is left of it

  // `path` is relative, of plain names with slashes between them, and new; at most kMostPath bytes.
  [[nodiscard]] virtual Status add(std::string_view path, std::string_view bytes) = 0;
  // The files are where they belong. Once, and nothing is added afterwards.
  [[nodiscard]] virtual Status finish() = 0;
};
inline constexpr std::size_t kMostPath = 70;  // of a tar's 100, with the folder that all are in

// `target` ends in ".tar": an archive, in which all is in one folder of the file's name; else a folder. `unix_s`: the
// files' time in the archive.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_sink(const std::string& target, std::int64_t unix_s);

// An archive that is handed over piece by piece; all is in `folder`. An error of `write` ends it.
using WriteBytes = std::function<Status(std::string_view)>;
[[nodiscard]] std::unique_ptr<Sink> tar_sink(std::string folder, std::int64_t unix_s, WriteBytes write);

// A file that is not there yet, whole or not at all.
[[nodiscard]] Status write_new_file(const std::string& path, std::string_view bytes);

}  // namespace conntruth::bundle
