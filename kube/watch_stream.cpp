#include "kube/watch_stream.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <utility>

namespace conntruth::kube {
namespace {

using Type = WatchLine::Type;
constexpr std::array<std::pair<std::string_view, Type>, 5> kTypes{{{"ADDED", Type::kAdded},
                                                                   {"MODIFIED", Type::kModified},
                                                                   {"DELETED", Type::kDeleted},
                                                                   {"BOOKMARK", Type::kBookmark},
                                                                   {"ERROR", Type::kError}}};

std::optional<Type> type_of(std::string_view word) {
  for (const auto& [name, type] : kTypes) {
    if (name == word) return type;
  }
  return std::nullopt;
}

unsigned code_of(std::string_view status) {
  const auto members = scan_members(status);
  if (!members) return 0;
  const auto text = find_member(*members, "code").value_or("");
  unsigned code = 0;
  std::from_chars(text.data(), text.data() + text.size(), code);
  return code;
}

}  // namespace

std::optional<std::string_view> LineSplitter::line() {
  const auto end = buffer_.find('\n', scanned_);
  if (end == std::string::npos) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    scanned_ = buffer_.size();
    return std::nullopt;
  }
  const auto line = std::string_view(buffer_).substr(begin_, end - begin_);
  begin_ = scanned_ = end + 1;
  return line;
}

Result<WatchLine> read_watch_line(std::string_view line) {
  const auto members = scan_members(line);
  if (!members) return std::unexpected(members.error().in("watch"));
  const auto word = plain_text(find_member(*members, "type").value_or("")).value_or("");
  const auto type = type_of(word);
  if (!type)
    return fail(ErrorCode::kInvalidInput, fmt::format("watch: \"{}\" is no type of event", word.substr(0, 40)));
  const auto object = find_member(*members, "object");
  if (!object) return fail(ErrorCode::kInvalidInput, "watch: an event without object");
  WatchLine result{*type, {}, *object, 0};
  if (*type == Type::kError) {
    result.code = code_of(*object);
    return result;
  }
  auto meta = scan_meta(*object);
  if (!meta) return std::unexpected(meta.error().in("watch"));
  if (meta->version.empty()) return fail(ErrorCode::kInvalidInput, "watch: an object without resourceVersion");
  if (*type != Type::kBookmark && meta->key.empty())
    return fail(ErrorCode::kInvalidInput, "watch: an object without name");
  result.meta = std::move(*meta);
  return result;
}

}  // namespace conntruth::kube
