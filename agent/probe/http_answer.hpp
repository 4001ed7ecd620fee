#pragma once
// The HTTP of http-get probes: the request, and what an answer says. The answer is bytes from anybody: it is parsed by
// Boost.Beast, within kMostHttpBytes. Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/model/probe.hpp"

namespace conntruth::probe {

inline constexpr std::size_t kMostHttpBytes = 16384;  // head and body; a health endpoint's are some hundred

enum class HttpState : std::uint8_t {
  kMore,   // it goes on
  kWhole,  // a whole answer, in HttpProgress::answer
  kNone,   // no HTTP answer, or a longer one, or one that was cut off
};

struct HttpProgress {
  HttpState state = HttpState::kMore;
  HttpAnswer answer;
};

// All bytes since the connection was opened. `ended`: none will follow. A body that is no JSON object, or has not the
// fields of a health check node port, is a whole answer without them.
[[nodiscard]] HttpProgress read_http_answer(std::string_view bytes, bool ended);

// HTTP/1.1, one request per connection.
[[nodiscard]] std::string http_request(const SocketAddress& target, std::string_view path);

}  // namespace conntruth::probe
