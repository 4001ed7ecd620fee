#pragma once
// Puts a tree of Values together from the events of a parser. Internal to the room.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/world/document.hpp"

namespace conntruth::world {

// Events come in document order; after the first one that returns false the builder must not be used any more and
// `error` and `error_line` say why.
class DocumentBuilder {
 public:
  [[nodiscard]] bool scalar(Value::Kind kind, std::string text, std::uint32_t line);
  [[nodiscard]] bool open(Value::Kind kind, std::uint32_t line);
  [[nodiscard]] bool close();
  [[nodiscard]] bool key(std::string name, std::uint32_t line);
  [[nodiscard]] bool refuse(std::string reason, std::uint32_t line);

  [[nodiscard]] bool expects_key() const;  // the next scalar is a key
  [[nodiscard]] std::vector<Value> take() { return std::move(roots_); }
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] std::uint32_t error_line() const { return error_line_; }

 private:
  Value* add(Value::Kind kind, std::uint32_t line);

  std::vector<Value> roots_;
  std::vector<Value*> stack_;  // open containers; stable, because only the innermost one's children grow
  std::string key_;
  bool has_key_ = false;
  std::string error_;
  std::uint32_t error_line_ = 0;
};

}  // namespace conntruth::world
