// Any bytes as a message of a session, from either side. What was accepted can be sent and is the same again.

#include "common/codec/session_codec.hpp"
#include "tests/fuzz/check.hpp"

namespace codec = conntruth::codec;
using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = conntruth::fuzz::as_text(data, size);
  if (const auto message = codec::decode_agent_message(bytes)) {
    const auto again = codec::decode_agent_message(codec::encode(*message));
    check(again.has_value() && *again == *message, "an agent's message survives a second trip");
  }
  if (const auto message = codec::decode_controller_message(bytes)) {
    const auto again = codec::decode_controller_message(codec::encode(*message));
    check(again.has_value() && *again == *message, "a controller's message survives a second trip");
  }
  return 0;
}
