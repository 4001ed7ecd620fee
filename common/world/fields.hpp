#pragma once
// Strict, typed access to the fields of a document. The first mistake is kept with its place; after it every access
// gives a default, so that a reader is written without a check after each line and asks once at the end.
//
//   Mistakes mistakes("web.yaml");
//   mistakes.enter("service default/web", object);
//   const auto port = Field(object, mistakes)["spec"]["port"].number(1, 65535);
//   if (auto error = mistakes.first()) return std::unexpected(*error);
// gives "web.yaml:7: service default/web: spec.port: 70000 is out of range 1..65535".
// Threading: one reader, one thread. Fields point into the document and to the Mistakes: both must outlive them.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"
#include "common/world/document.hpp"

namespace conntruth::world {

class Mistakes {
 public:
  explicit Mistakes(std::string_view origin) : origin_(origin) {}
  // What the next mistakes are about: a name for people, and the value that paths start from.
  void enter(std::string object, const Value& root) {
    object_ = std::move(object);
    root_ = &root;
  }
  // `owner` is the map in which `key` is missing, or the wrong value itself (`key` empty).
  void add(const Value& owner, std::string_view key, std::string_view what);
  void add_at(std::uint32_t line, std::string_view object, std::string_view what);
  [[nodiscard]] const std::optional<Error>& first() const { return first_; }

 private:
  std::string origin_;
  std::string object_;
  const Value* root_ = nullptr;
  std::optional<Error> first_;
};

class Field {
 public:
  Field(const Value& value, Mistakes& mistakes) : value_(&value), owner_(&value), mistakes_(&mistakes) {}

  [[nodiscard]] bool present() const { return value_ != nullptr && value_->kind != Value::Kind::kNull; }
  [[nodiscard]] Field operator[](std::string_view key) const;  // a mistake where this is not a map
  [[nodiscard]] std::vector<Field> items() const;              // of a sequence; none where absent
  [[nodiscard]] std::vector<Field> members() const;            // of a map; none where absent
  [[nodiscard]] std::string key() const { return value_ == nullptr ? std::string(key_) : value_->key; }

  [[nodiscard]] std::string text(std::string_view otherwise = {}) const;
  [[nodiscard]] std::string required_text() const;  // present and not empty
  [[nodiscard]] std::string word() const;           // a text, or a number as it is written
  [[nodiscard]] std::vector<std::string> texts() const;
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<std::int64_t> number(std::int64_t least, std::int64_t most) const;
  [[nodiscard]] bool is_number() const;
  [[nodiscard]] std::optional<IpAddress> address() const;
  [[nodiscard]] std::vector<IpAddress> addresses() const;
  [[nodiscard]] std::vector<Prefix> prefixes() const;
  // The index of its text in `words`; a mistake that lists them where it is none of them, and nothing where absent.
  [[nodiscard]] std::optional<std::size_t> one_of(std::span<const std::string_view> words) const;
  // A mistake for every member of this map whose name is not among `known`.
  void only(std::span<const std::string_view> known) const;

  void wrong(std::string_view what) const;
  [[nodiscard]] const Value* value() const { return value_; }
  [[nodiscard]] Mistakes& mistakes() const { return *mistakes_; }

 private:
  Field(const Value* value, const Value* owner, std::string_view key, Mistakes* mistakes)
      : value_(value), owner_(owner), key_(key), mistakes_(mistakes) {}
  [[nodiscard]] bool expect(Value::Kind kind, std::string_view what) const;

  const Value* value_;  // null: absent
  const Value* owner_;  // where an absent one would be
  std::string_view key_;
  Mistakes* mistakes_;
};

}  // namespace conntruth::world
