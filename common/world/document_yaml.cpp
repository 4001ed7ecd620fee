#include "common/world/document_yaml.hpp"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "common/world/document_builder.hpp"

namespace conntruth::world {
namespace {

// The parser has no other way to be stopped by its handler.
struct Stop {};

std::uint32_t line_of(const YAML::Mark& mark) { return static_cast<std::uint32_t>(mark.line + 1); }

bool is_null(const std::string& text) { return text.empty() || text == "~" || text == "null"; }

class Handler : public YAML::EventHandler {
 public:
  DocumentBuilder builder;

  // On a stray closing bracket yaml-cpp 0.7 gives empty documents for ever without moving on.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == last_start_) check(builder.refuse("is not valid YAML: unexpected text", line_of(mark)));
    last_start_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { add(mark, Value::Kind::kNull, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    check(builder.refuse("aliases are not read, write the value out", line_of(mark)));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    const bool quoted = tag == "!" || tag.ends_with(":str");
    const auto kind = quoted ? Value::Kind::kText : is_null(value) ? Value::Kind::kNull : Value::Kind::kPlain;
    add(mark, kind, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, Value::Kind::kSequence);
  }
  void OnSequenceEnd() override { check(builder.close()); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, Value::Kind::kMap);
  }
  void OnMapEnd() override { check(builder.close()); }

 private:
  static void check(bool going_on) {
    if (!going_on) throw Stop();
  }
  void add(const YAML::Mark& mark, Value::Kind kind, const std::string& text) {
    if (builder.expects_key()) return check(builder.key(text, line_of(mark)));
    check(builder.scalar(kind, kind == Value::Kind::kNull ? std::string() : text, line_of(mark)));
  }
  void open(const YAML::Mark& mark, Value::Kind kind) {
    if (builder.expects_key()) check(builder.refuse("a key must be a word", line_of(mark)));
    check(builder.open(kind, line_of(mark)));
  }

  int last_start_ = -1;
};

}  // namespace

Result<std::vector<Value>> parse_yaml(std::string_view text, std::string_view origin) {
  Handler handler;
  const auto wrong = [&](std::uint32_t line, std::string_view reason) {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}:{}: {}", origin, line, reason));
  };
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const Stop&) {
    return wrong(handler.builder.error_line(), handler.builder.error());
  } catch (const YAML::Exception& error) {
    return wrong(line_of(error.mark), fmt::format("is not valid YAML: {}", error.msg));
  } catch (const std::exception& error) {
    return wrong(1, error.what());
  }
  auto roots = handler.builder.take();
  std::erase_if(roots, [](const Value& root) { return root.kind == Value::Kind::kNull; });
  return roots;
}

}  // namespace conntruth::world
