#include "kube/json_scan.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace conntruth::kube {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// string_view::find_first_of asks for each letter whether the set has it, by a call; lists of a big cluster are
// hundreds of megabytes, and a table made the client three times as fast.
class LetterSet {
 public:
  explicit constexpr LetterSet(std::string_view letters) {
    for (const auto letter : letters) has_[static_cast<unsigned char>(letter)] = true;
  }
  // Where the first one at or after `at` is; npos: nowhere.
  [[nodiscard]] std::size_t find(std::string_view text, std::size_t at) const {
    for (; at < text.size(); ++at) {
      if (has_[static_cast<unsigned char>(text[at])]) return at;
    }
    return std::string_view::npos;
  }

 private:
  std::array<bool, 256> has_{};
};
constexpr LetterSet kStringEnds("\"\\");
constexpr LetterSet kBrackets("\"{}[]");
constexpr LetterSet kScalarEnds(",]} \t\r\n");

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void blanks() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }
  [[nodiscard]] bool ended() const { return at_ >= text_.size(); }
  bool take(char letter) {
    blanks();
    if (ended() || text_[at_] != letter) return false;
    ++at_;
    return true;
  }

  // A string with its quotes, or nothing.
  std::optional<std::string_view> string() {
    blanks();
    const auto begin = at_;
    if (!take('"')) return std::nullopt;
    while (true) {
      at_ = kStringEnds.find(text_, at_);
      if (at_ == std::string_view::npos) return end_of_text();
      if (text_[at_] == '"') return text_.substr(begin, ++at_ - begin);
      at_ += 2;
    }
  }

  std::optional<std::string_view> value() {
    blanks();
    if (ended()) return std::nullopt;
    const auto begin = at_;
    if (text_[at_] == '"') return string();
    if (text_[at_] == '{' || text_[at_] == '[')
      return nested() ? std::optional(text_.substr(begin, at_ - begin)) : std::nullopt;
    at_ = std::min(kScalarEnds.find(text_, at_), text_.size());
    if (at_ == begin) return std::nullopt;
    return text_.substr(begin, at_ - begin);
  }

  [[nodiscard]] std::unexpected<Error> wrong() const {
    return fail(ErrorCode::kInvalidInput, fmt::format("JSON ends or is wrong at byte {}", std::min(at_, text_.size())));
  }

 private:
  std::nullopt_t end_of_text() {
    at_ = text_.size();
    return std::nullopt;
  }

  // Over a container, without recursion: no text can exhaust the stack.
  bool nested() {
    std::string open;
    while (true) {
      at_ = kBrackets.find(text_, at_);
      if (at_ == std::string_view::npos) return end_of_text(), false;
      const auto letter = text_[at_];
      if (letter == '"') {
        if (!string()) return false;
        continue;
      }
      ++at_;
      if (letter == '{' || letter == '[') {
        open += letter == '{' ? '}' : ']';
      } else if (open.back() != letter) {
        return false;
      } else if (open.pop_back(); open.empty()) {
        return true;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string_view inside(std::string_view quoted) { return quoted.substr(1, quoted.size() - 2); }

std::string text_of(const std::vector<Member>& members, std::string_view key) {
  const auto value = find_member(members, key);
  return std::string(value ? plain_text(*value).value_or("") : "");
}

}  // namespace

Result<std::vector<Member>> scan_members(std::string_view object) {
  Scanner scanner(object);
  std::vector<Member> members;
  if (!scanner.take('{')) return scanner.wrong();
  if (!scanner.take('}')) {
    do {
      const auto key = scanner.string();
      if (!key || !scanner.take(':')) return scanner.wrong();
      const auto value = scanner.value();
      if (!value) return scanner.wrong();
      members.push_back({inside(*key), *value});
    } while (scanner.take(','));
    if (!scanner.take('}')) return scanner.wrong();
  }
  scanner.blanks();
  if (!scanner.ended()) return scanner.wrong();
  return members;
}

Result<std::vector<std::string_view>> scan_items(std::string_view array) {
  Scanner scanner(array);
  std::vector<std::string_view> items;
  if (!scanner.take('[')) return scanner.wrong();
  if (!scanner.take(']')) {
    do {
      const auto value = scanner.value();
      if (!value) return scanner.wrong();
      items.push_back(*value);
    } while (scanner.take(','));
    if (!scanner.take(']')) return scanner.wrong();
  }
  scanner.blanks();
  if (!scanner.ended()) return scanner.wrong();
  return items;
}

std::optional<std::string_view> find_member(const std::vector<Member>& members, std::string_view key) {
  const auto found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? std::nullopt : std::optional(found->value);
}

std::optional<std::string_view> plain_text(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.contains('\\')) return std::nullopt;
  return inside(value);
}

Result<ObjectMeta> scan_meta(std::string_view object) {
  const auto members = scan_members(object);
  if (!members) return std::unexpected(members.error());
  const auto metadata = scan_members(find_member(*members, "metadata").value_or(""));
  if (!metadata) return fail(ErrorCode::kInvalidInput, "an object without metadata");
  const auto space = text_of(*metadata, "namespace");
  const auto name = text_of(*metadata, "name");
  if (name.empty() && text_of(*metadata, "resourceVersion").empty())
    return fail(ErrorCode::kInvalidInput, "an object without name and version");
  return ObjectMeta{space.empty() ? name : space + "/" + name, text_of(*metadata, "uid"),
                    text_of(*metadata, "resourceVersion")};
}

}  // namespace conntruth::kube
