#include "common/world/document_json.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/world/document_builder.hpp"

namespace conntruth::world {
namespace {

// Where the parser reads. Lines are counted only when somebody asks, and each character once.
class Position {
 public:
  explicit Position(const char* begin) : counted_(begin), here_(begin) {}
  void at(const char* here) { here_ = here; }
  [[nodiscard]] std::uint32_t line() {
    line_ += static_cast<std::uint32_t>(std::count(counted_, here_, '\n'));
    counted_ = here_;
    return line_;
  }

 private:
  const char* counted_;
  const char* here_;
  std::uint32_t line_ = 1;
};

// The library's SAX events carry no position, but it reads through iterators: this one tells where it is.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  Cursor(const char* at, Position* position) : at_(at), position_(position) {}
  reference operator*() const {
    position_->at(at_);
    return *at_;
  }
  Cursor& operator++() {
    ++at_;
    return *this;
  }
  Cursor operator++(int) {
    auto before = *this;
    ++at_;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  Position* position_;
};

class Sax : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Sax(Position* position) : position_(position) {}
  DocumentBuilder builder;

  bool null() override { return builder.scalar(Value::Kind::kNull, {}, line()); }
  bool boolean(bool value) override { return plain(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return plain(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return plain(std::to_string(value)); }
  bool number_float(number_float_t /*value*/, const string_t& text) override { return plain(text); }
  bool string(string_t& text) override { return builder.scalar(Value::Kind::kText, std::move(text), line()); }
  bool binary(binary_t& /*value*/) override { return builder.refuse("binary data", line()); }
  bool start_object(std::size_t /*elements*/) override { return builder.open(Value::Kind::kMap, line()); }
  bool key(string_t& name) override { return builder.key(std::move(name), line()); }
  bool end_object() override { return builder.close(); }
  bool start_array(std::size_t /*elements*/) override { return builder.open(Value::Kind::kSequence, line()); }
  bool end_array() override { return builder.close(); }
  bool parse_error(std::size_t /*byte*/, const std::string& token,
                   const nlohmann::detail::exception& /*what*/) override {
    return builder.refuse(
        fmt::format("is not valid JSON near \"{}\"", token.substr(token.size() > 40 ? token.size() - 40 : 0)), line());
  }

 private:
  [[nodiscard]] std::uint32_t line() { return position_->line(); }
  [[nodiscard]] bool plain(std::string text) { return builder.scalar(Value::Kind::kPlain, std::move(text), line()); }
  Position* position_;
};

}  // namespace

Result<std::vector<Value>> parse_json(std::string_view text, std::string_view origin) {
  Position position(text.data());
  Sax sax(&position);
  try {
    const Cursor begin(text.data(), &position);
    const Cursor end(text.data() + text.size(), &position);
    if (nlohmann::json::sax_parse(begin, end, &sax)) return sax.builder.take();
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}:{}: {}", origin, sax.builder.error_line(), sax.builder.error()));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}:{}: {}", origin, position.line(), error.what()));
  }
}

}  // namespace conntruth::world
