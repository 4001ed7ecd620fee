#pragma once
// A socket's error queue (IP_RECVERR, IPV6_RECVERR): which ICMP error came, from whom, about which datagram.

#include <optional>

#include "common/model/probe.hpp"
#include "common/result.hpp"
#include "common/wire/bytes.hpp"

namespace conntruth::io {

[[nodiscard]] Status enable_error_queue(int fd, Family family);

struct QueuedError {
  Refusal refusal;         // kIcmp, or kNone for a local error (no ICMP came)
  std::size_t quoted = 0;  // bytes of the payload sent, copied to the buffer
};
// The next one, or nullopt; `payload` takes what the error quotes of the datagram.
[[nodiscard]] std::optional<QueuedError> next_queued_error(int fd, wire::MutableBytes payload);

// Whether an ICMP error means that the packet was refused; "fragmentation needed" does not.
[[nodiscard]] bool is_refusal(Family family, std::uint8_t type, std::uint8_t code);

}  // namespace conntruth::io
