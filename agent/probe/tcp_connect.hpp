#pragma once
// What probes over kernel TCP connections share beyond their sockets: how one ended, and who refused it. Of the calling
// thread's namespace.

#include <optional>

#include "common/model/probe.hpp"

namespace conntruth::probe {

[[nodiscard]] int pending_error(int fd);
// Who ended it, for `number` (errno): the sender of the ICMP error that the queue holds, or the target by RST.
[[nodiscard]] std::optional<Refusal> refusal_of(int fd, int number, const IpAddress& target);
// Closing leaves no TIME_WAIT at either end: it resets.
void reset_on_close(int fd);

}  // namespace conntruth::probe
