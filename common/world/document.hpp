#pragma once
// A YAML or JSON text as a tree in which every value knows its line: what strict readers (of worlds, of scenarios) need
// to say where a mistake stands. Both formats come out alike, so a reader is written once.
//
// Limits: 64 levels of nesting, no aliases, no duplicate keys; beyond them kInvalidInput with the line. Nothing here
// recurses on what the text says, so no text can exhaust the stack.
// Threading: values; share as const.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace conntruth::world {

struct Value {
  enum class Kind : std::uint8_t {
    kNull,
    kPlain,  // a number or a boolean, or in YAML a text without quotes
    kText,   // a text in quotes
    kSequence,
    kMap,
  };
  Kind kind = Kind::kNull;
  std::uint32_t line = 0;       // from 1
  std::string key;              // its name, where the parent is a map
  std::string text;             // kPlain and kText
  std::vector<Value> children;  // kSequence and kMap

  [[nodiscard]] const Value* find(std::string_view name) const;  // member of a map, or null
};

// One value per YAML document (JSON: exactly one); empty documents are left out. JSON is recognised by its first
// character. Errors read "ORIGIN:LINE: ...".
[[nodiscard]] Result<std::vector<Value>> parse_documents(std::string_view text, std::string_view origin);

}  // namespace conntruth::world
