#include "common/world/document_builder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace conntruth::world {

namespace {
constexpr std::size_t kMaxDepth = 64;
}

bool DocumentBuilder::refuse(std::string reason, std::uint32_t line) {
  error_ = std::move(reason);
  error_line_ = line;
  return false;
}

bool DocumentBuilder::expects_key() const {
  return !stack_.empty() && stack_.back()->kind == Value::Kind::kMap && !has_key_;
}

Value* DocumentBuilder::add(Value::Kind kind, std::uint32_t line) {
  auto& siblings = stack_.empty() ? roots_ : stack_.back()->children;
  auto& value = siblings.emplace_back();
  value.kind = kind;
  value.line = line;
  value.key = std::exchange(key_, {});
  has_key_ = false;
  return &value;
}

bool DocumentBuilder::scalar(Value::Kind kind, std::string text, std::uint32_t line) {
  add(kind, line)->text = std::move(text);
  return true;
}

bool DocumentBuilder::open(Value::Kind kind, std::uint32_t line) {
  if (stack_.size() >= kMaxDepth) return refuse(fmt::format("more than {} levels of nesting", kMaxDepth), line);
  stack_.push_back(add(kind, line));
  return true;
}

bool DocumentBuilder::close() {
  stack_.pop_back();
  return true;
}

bool DocumentBuilder::key(std::string name, std::uint32_t line) {
  if (stack_.back()->find(name) != nullptr) return refuse(fmt::format("\"{}\" stands twice in one object", name), line);
  key_ = std::move(name);
  has_key_ = true;
  return true;
}

}  // namespace conntruth::world
