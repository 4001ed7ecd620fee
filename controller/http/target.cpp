// Request targets. Source: RFC 3986.
#include <algorithm>
#include <charconv>

#include "controller/http/server.hpp"

namespace conntruth::http {
namespace {

Result<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned value = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || parsed.ptr != digits.data() + 2)
      return fail(ErrorCode::kInvalidInput, "the request's target has a % without two hexadecimal digits");
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

}  // namespace

Result<Request> read_target(std::string_view target) {
  if (!target.starts_with('/')) return fail(ErrorCode::kInvalidInput, "the request's target is no path");
  Request request;
  auto path = decoded(target.substr(0, target.find('?')));
  if (!path) return std::unexpected(path.error());
  request.path = std::move(*path);
  const auto mark = target.find('?');
  auto rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto sign = pair.find('=');
    auto name = decoded(pair.substr(0, sign));
    auto value = decoded(sign == std::string_view::npos ? std::string_view() : pair.substr(sign + 1));
    if (!name) return std::unexpected(name.error());
    if (!value) return std::unexpected(value.error());
    request.query.insert_or_assign(std::move(*name), std::move(*value));
  }
  return request;
}

}  // namespace conntruth::http
