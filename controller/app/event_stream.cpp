#include "controller/app/event_stream.hpp"

#include <algorithm>
#include <string_view>

namespace conntruth::app {

namespace {

void read_line(std::string_view line, EventStreamReader::Event& event) {
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return;  // a comment, or a field without value
  auto value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  const auto field = line.substr(0, colon);
  if (field == "id") event.id = value;
  if (field == "event") event.type = value;
  if (field == "data") event.data = value;
}

}  // namespace

std::optional<EventStreamReader::Event> EventStreamReader::next() {
  while (true) {
    const auto end = buffer_.find("\n\n");
    if (end == std::string::npos) return std::nullopt;
    Event event;
    std::string_view block(buffer_.data(), end);
    while (!block.empty()) {
      const auto line = block.substr(0, block.find('\n'));
      read_line(line, event);
      block.remove_prefix(std::min(block.size(), line.size() + 1));
    }
    buffer_.erase(0, end + 2);
    if (!event.type.empty()) return event;
  }
}

}  // namespace conntruth::app
