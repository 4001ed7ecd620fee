#include "common/world/document.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "common/world/document_json.hpp"
#include "common/world/document_yaml.hpp"

namespace conntruth::world {

const Value* Value::find(std::string_view name) const {
  if (kind != Kind::kMap) return nullptr;
  const auto found = std::ranges::find(children, name, &Value::key);
  return found == children.end() ? nullptr : &*found;
}

Result<std::vector<Value>> parse_documents(std::string_view text, std::string_view origin) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return fail(ErrorCode::kInvalidInput, fmt::format("{}:1: is empty", origin));
  const bool json = text[first] == '{' || text[first] == '[';
  return json ? parse_json(text, origin) : parse_yaml(text, origin);
}

}  // namespace conntruth::world
