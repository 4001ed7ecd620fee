// Any bytes as a datagram of nf_tables' trace, and as what nft prints.

#include <string_view>

#include "agent/observe/rule_listing.hpp"
#include "agent/observe/trace_message.hpp"
#include "tests/fuzz/check.hpp"

namespace observe = conntruth::observe;
using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& [name, chain] : observe::read_listing(text)) {
    for (const auto& rule : chain.rules) check(rule.text.find('\n') == std::string::npos, "a rule is one line");
  }
  const auto events = observe::read_trace_events({data, size});
  if (!events) {
    check(!events.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  check(events->size() <= size / 16, "no more events than there are headers");
  for (const auto& event : *events) {
    if (!event.packet) continue;
    check(event.packet->source.address.family() == event.packet->destination.address.family(),
          "a packet is of one family");
    (void)observe::lookup_of(text, *event.packet);
  }
  return 0;
}
