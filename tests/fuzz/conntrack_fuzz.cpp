// Any bytes as a datagram of ctnetlink.

#include "agent/observe/conntrack_message.hpp"
#include "tests/fuzz/check.hpp"

namespace observe = conntruth::observe;
using conntruth::fuzz::check;

namespace {

// Events of the same bytes.
void read_events(std::span<const std::uint8_t> datagram) {
  std::size_t events = 0;
  const auto news = observe::read_conntrack_events(datagram, [&](const observe::ConntrackEvent& event) {
    ++events;
    const auto& [original, reply] = std::pair(event.entry.original, event.entry.reply);
    check(original.source.address.family() == original.destination.address.family(), "a tuple is of one family");
    check(reply.source.address.family() == reply.destination.address.family(), "so is the other one");
    check(event.port == 0 || event.change == observe::ConntrackChange::kDestroyed, "only an end has somebody's port");
  });
  check(events <= datagram.size() / 16, "no more events than there are headers");
  check(news || !news.error().message.empty(), "an error says what is wrong");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_events({data, size});
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
