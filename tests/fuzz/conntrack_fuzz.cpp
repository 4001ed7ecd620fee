// Any bytes as a datagram of ctnetlink.

#include "agent/observe/conntrack_message.hpp"
#include "tests/fuzz/check.hpp"

namespace observe = conntruth::observe;
using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answers = observe::read_conntrack_answers({data, size});
  if (!answers) {
    check(!answers.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  check(answers->size() <= size / 16, "no more messages than there are headers");
  for (const auto& answer : *answers) {
    if (!answer.entry) continue;
    const auto& [original, reply] = std::pair(answer.entry->original, answer.entry->reply);
    check(original.source.address.family() == original.destination.address.family(), "a tuple is of one family");
    check(reply.source.address.family() == reply.destination.address.family(), "so is the other one");
  }
  return 0;
}
