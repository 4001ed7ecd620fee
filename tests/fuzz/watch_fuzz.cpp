// Any bytes as a watch's stream and as a page of a list: one message line or spans that lie inside of the text; and
// however the stream is cut into pieces, the same lines come out.

#include <vector>

#include "kube/listing.hpp"
#include "kube/watch_stream.hpp"
#include "tests/fuzz/check.hpp"

using conntruth::fuzz::check;

namespace {

namespace kube = conntruth::kube;

std::vector<std::string> lines_of(std::string_view text, std::size_t piece) {
  kube::LineSplitter splitter(1 << 20U);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size(); begin += piece) {
    splitter.input() += text.substr(begin, piece);
    while (const auto line = splitter.line()) lines.emplace_back(*line);
  }
  check(splitter.half_line() == (!text.empty() && text.back() != '\n'), "what is left is half a line");
  return lines;
}

void check_inside(std::string_view whole, std::string_view part) {
  check(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size(), "a span lies inside");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = conntruth::fuzz::as_text(data, size);
  const auto lines = lines_of(text, text.size() + 1);
  check(lines == lines_of(text, 1) && lines == lines_of(text, 7), "pieces do not change the lines");
  for (const auto& line : lines) {
    const auto event = kube::read_watch_line(line);
    if (event) check_inside(line, event->object);
    if (!event) check(event.error().message.find('\n') == std::string::npos, "a message is one line");
  }
  const auto page = kube::read_page(text);
  if (!page) return 0;
  for (const auto item : page->items) check_inside(text, item);
  return 0;
}
