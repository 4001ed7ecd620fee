// Any bytes as a world file: a World or one message line; and what was read and written reads back the same.

#include "common/world/world_reader.hpp"
#include "tests/fuzz/check.hpp"

using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto first = conntruth::world::read_world(conntruth::fuzz::as_text(data, size), "fuzz.yaml");
  if (!first) {
    check(first.error().message.starts_with("fuzz.yaml"), "a message names the file");
    check(first.error().message.find('\n') == std::string::npos, "a message is one line");
    return 0;
  }
  const std::string text = conntruth::world::write_world(*first);
  const auto second = conntruth::world::read_world(text, "written");
  check(second.has_value(), "what was written can be read");
  check(conntruth::world::write_world(*second) == text, "reading and writing again changes nothing");
  return 0;
}
