// Any bytes as an event of the packet walk.

#include "agent/observe/hop_reader.hpp"
#include "tests/fuzz/check.hpp"

namespace observe = conntruth::observe;
using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const observe::HopNames names{.places = {"", "pod"}, .reason = {}, .function = {}};
  const auto hop = observe::read_hop({data, size}, names);
  if (!hop) {
    check(!hop.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  check(hop->place.empty() || hop->place == "pod", "a place that is looked at");
  check(hop->source.address.family() == hop->destination.address.family(), "a packet is of one family");
  check(to_string(hop->kind) != "?" && to_string(hop->hook) != "?" && to_string(hop->conntrack.info) != "?",
        "every number has a word");
  check(to_string(hop->protocol) != "?", "a protocol that is known");
  check((hop->kind == conntruth::HopKind::kDropped) == !hop->reason.empty(), "a drop has a reason, others have none");
  return 0;
}
