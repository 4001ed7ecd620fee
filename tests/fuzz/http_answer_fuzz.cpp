// Any bytes as an HTTP answer, as they would come in pieces.

#include "agent/probe/http_answer.hpp"
#include "tests/fuzz/check.hpp"

namespace probe = conntruth::probe;
using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = conntruth::fuzz::as_text(data, size);
  const auto at_end = probe::read_http_answer(bytes, true);
  check(at_end.state != probe::HttpState::kMore, "nothing follows an end");
  const auto open = probe::read_http_answer(bytes, false);
  if (open.state == probe::HttpState::kWhole) {
    check(at_end.state == probe::HttpState::kWhole && at_end.answer == open.answer, "a whole answer stays what it is");
    check(open.answer.status >= 100 && open.answer.status <= 999, "a status has three digits");
  }
  if (open.state == probe::HttpState::kNone && size < probe::kMostHttpBytes) {
    check(at_end.state == probe::HttpState::kNone, "what is no answer does not become one by ending");
  }
  return 0;
}
