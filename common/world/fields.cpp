#include "common/world/fields.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace conntruth::world {
namespace {

// "spec.ports[0].port": looked for only when there is a mistake to report, so that reading pays nothing for it.
// Depth is bounded by the document's.
bool find_path(const Value& from, const Value* wanted, std::string& path) {
  if (&from == wanted) return true;
  const auto length = path.size();
  for (std::size_t index = 0; index < from.children.size(); ++index) {
    const auto& child = from.children[index];
    if (from.kind == Value::Kind::kSequence) {
      path += fmt::format("[{}]", index);
    } else {
      path += (path.empty() ? "" : ".") + child.key;
    }
    if (find_path(child, wanted, path)) return true;
    path.resize(length);
  }
  return false;
}

bool looks_like_text(std::string_view plain) {
  if (plain.find_first_of("0123456789") == std::string_view::npos) return plain != "true" && plain != "false";
  double number = 0;
  const auto [end, error] = std::from_chars(plain.begin(), plain.end(), number);
  return error != std::errc() || end != plain.end();
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

void Mistakes::add(const Value& owner, std::string_view key, std::string_view what) {
  if (first_) return;
  std::string path;
  if (root_ != nullptr && !find_path(*root_, &owner, path)) path = owner.key;
  if (!key.empty()) path += (path.empty() ? "" : ".") + std::string(key);
  auto place = object_;
  if (!path.empty()) place += (place.empty() ? "" : ": ") + path;
  add_at(owner.line, place, what);
}

void Mistakes::add_at(std::uint32_t line, std::string_view object, std::string_view what) {
  if (first_) return;
  const auto place = object.empty() ? std::string() : fmt::format("{}: ", object);
  first_ = Error{ErrorCode::kInvalidInput, fmt::format("{}:{}: {}{}", origin_, line, place, what)};
}

void Field::wrong(std::string_view what) const {
  if (value_ != nullptr) {
    mistakes_->add(*value_, {}, what);
  } else {
    mistakes_->add(*owner_, key_, what);
  }
}

bool Field::expect(Value::Kind kind, std::string_view what) const {
  if (!present()) return false;
  if (value_->kind == kind) return true;
  wrong(fmt::format("must be {}", what));
  return false;
}

Field Field::operator[](std::string_view key) const {
  const auto* owner = value_ == nullptr ? owner_ : value_;
  if (!expect(Value::Kind::kMap, "an object with named fields")) return {nullptr, owner, key, mistakes_};
  return {value_->find(key), owner, key, mistakes_};
}

std::vector<Field> Field::items() const {
  std::vector<Field> result;
  if (!expect(Value::Kind::kSequence, "a list")) return result;
  result.reserve(value_->children.size());
  for (const auto& child : value_->children) result.emplace_back(child, *mistakes_);
  return result;
}

std::vector<Field> Field::members() const {
  std::vector<Field> result;
  if (!expect(Value::Kind::kMap, "an object with named fields")) return result;
  for (const auto& child : value_->children) result.emplace_back(child, *mistakes_);
  return result;
}

std::string Field::text(std::string_view otherwise) const {
  if (!present()) return std::string(otherwise);
  if (value_->kind == Value::Kind::kText) return value_->text;
  if (value_->kind == Value::Kind::kPlain && looks_like_text(value_->text)) return value_->text;
  wrong(value_->kind == Value::Kind::kPlain ? fmt::format("must be a text: write \"{}\" in quotes", value_->text)
                                            : std::string("must be a text"));
  return std::string(otherwise);
}

std::string Field::required_text() const {
  auto result = text();
  if (result.empty()) wrong("is required");
  return result;
}

std::string Field::word() const {
  if (value_ != nullptr && value_->kind == Value::Kind::kPlain) return value_->text;
  return text();
}

std::vector<std::string> Field::texts() const {
  std::vector<std::string> result;
  for (const auto& item : items()) result.push_back(item.required_text());
  return result;
}

std::optional<bool> Field::boolean() const {
  if (!present()) return std::nullopt;
  if (value_->kind == Value::Kind::kPlain && (value_->text == "true" || value_->text == "false")) {
    return value_->text == "true";
  }
  wrong("must be true or false");
  return std::nullopt;
}

bool Field::is_number() const {
  return present() && value_->kind == Value::Kind::kPlain &&
         value_->text.find_first_not_of("-0123456789") == std::string::npos;
}

std::optional<std::int64_t> Field::number(std::int64_t least, std::int64_t most) const {
  if (!present()) return std::nullopt;
  std::int64_t result = 0;
  const auto& digits = value_->text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  const bool whole = value_->kind == Value::Kind::kPlain && !digits.empty() && end == digits.data() + digits.size();
  if (!whole) {
    wrong("must be a whole number");
  } else if (error != std::errc() || result < least || result > most) {
    wrong(fmt::format("{} is out of range {}..{}", digits, least, most));
  } else {
    return result;
  }
  return std::nullopt;
}

std::optional<IpAddress> Field::address() const {
  if (!present()) return std::nullopt;
  auto parsed = IpAddress::parse(word());
  if (parsed) return *parsed;
  wrong(parsed.error().message);
  return std::nullopt;
}

std::vector<IpAddress> Field::addresses() const {
  std::vector<IpAddress> result;
  for (const auto& item : items()) {
    if (const auto parsed = item.address()) {
      result.push_back(*parsed);
    } else {
      item.wrong("must be an address");
    }
  }
  return result;
}

std::vector<Prefix> Field::prefixes() const {
  std::vector<Prefix> result;
  for (const auto& item : items()) {
    const auto parsed = Prefix::parse(trimmed(item.required_text()));
    if (parsed) {
      result.push_back(*parsed);
    } else {
      item.wrong(parsed.error().message);
    }
  }
  return result;
}

std::optional<std::size_t> Field::one_of(std::span<const std::string_view> words) const {
  if (!present()) return std::nullopt;
  const auto given = text();
  const auto found = std::ranges::find(words, given);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  wrong(fmt::format("\"{}\" is not one of {}", given, fmt::join(words, ", ")));
  return std::nullopt;
}

void Field::only(std::span<const std::string_view> known) const {
  if (!expect(Value::Kind::kMap, "an object with named fields")) return;
  for (const auto& child : value_->children) {
    if (std::ranges::find(known, child.key) != known.end()) continue;
    Field(child, *mistakes_).wrong(fmt::format("is not a known field; known are {}", fmt::join(known, ", ")));
  }
}

}  // namespace conntruth::world
