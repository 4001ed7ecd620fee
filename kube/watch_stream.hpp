#pragma once
// The bytes of a watch: lines, and what a line says. Internal to the room.
// Source: kubernetes.io/docs/reference/using-api/api-concepts, meta/v1 WatchEvent. Threading: one thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "kube/json_scan.hpp"

namespace conntruth::kube {

// Cuts a stream at its line ends, whatever pieces it arrives in.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t max_line) : max_line_(max_line) {}
  // Append what arrives here, then take lines until there is none.
  [[nodiscard]] std::string& input() { return buffer_; }
  // Valid until the next call or change of input().
  [[nodiscard]] std::optional<std::string_view> line();
  [[nodiscard]] bool too_long() const { return buffer_.size() - begin_ > max_line_; }  // after line() gave nothing
  [[nodiscard]] bool half_line() const { return buffer_.size() > begin_; }

 private:
  std::size_t max_line_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the line that comes next
  std::size_t scanned_ = 0;  // no line end before here
};

struct WatchLine {
  enum class Type : std::uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };
  Type type = Type::kAdded;
  ObjectMeta meta;          // not of kError
  std::string_view object;  // into the line
  unsigned code = 0;        // of kError: the Status' code
};
[[nodiscard]] Result<WatchLine> read_watch_line(std::string_view line);

}  // namespace conntruth::kube
