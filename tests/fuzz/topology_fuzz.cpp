// Any bytes as a topology file: a Topology or a message; and what was read and written reads back the same.

#include "common/codec/topology_json.hpp"
#include "tests/fuzz/check.hpp"

using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto first = conntruth::codec::topology_from_json(conntruth::fuzz::as_text(data, size));
  if (!first) {
    check(!first.error().message.empty(), "a refusal says why");
    return 0;
  }
  const std::string text = conntruth::codec::topology_to_json(*first);
  const auto second = conntruth::codec::topology_from_json(text);
  check(second.has_value(), "what was written can be read");
  check(conntruth::codec::topology_to_json(*second) == text, "reading and writing again changes nothing");
  return 0;
}
