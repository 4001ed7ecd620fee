#pragma once
// Finds members and items of a JSON text without building a tree: a page of a list has tens of megabytes of which three
// short fields per object are wanted here. Internal to the room.
//
// Only what is skipped over is taken on trust (brackets must match and strings end); whoever uses a span parses it.
// Threading: pure functions; spans point into the text.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace conntruth::kube {

struct Member {
  std::string_view key;    // between the quotes, escapes not resolved
  std::string_view value;  // without blanks around it
};

// kInvalidInput where the text is no object or array, with the offset.
[[nodiscard]] Result<std::vector<Member>> scan_members(std::string_view object);
[[nodiscard]] Result<std::vector<std::string_view>> scan_items(std::string_view array);

[[nodiscard]] std::optional<std::string_view> find_member(const std::vector<Member>& members, std::string_view key);
// The text of a JSON string that has no escapes, as names and versions have none; nothing for all else.
[[nodiscard]] std::optional<std::string_view> plain_text(std::string_view value);

// What identifies an object.
struct ObjectMeta {
  std::string key;  // "namespace/name" or "name"
  std::string uid;
  std::string version;  // metadata.resourceVersion
};
[[nodiscard]] Result<ObjectMeta> scan_meta(std::string_view object);

}  // namespace conntruth::kube
