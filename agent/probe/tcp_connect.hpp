#pragma once
// What probes over kernel TCP connections share: making one, and who refused it. Of the calling thread's namespace.

#include <optional>

#include "agent/io/fd.hpp"
#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::probe {

// A non-blocking socket at that port of the task's source; connecting it is the caller's. A port may be bound several
// times over: connections are told apart by their targets.
[[nodiscard]] Result<io::Fd> open_tcp_bound(const ProbeTask& task, std::uint16_t port);
// Starts the connection: 0, EINPROGRESS or the errno that ended it.
[[nodiscard]] int connect_to(int fd, const SocketAddress& target);
[[nodiscard]] int pending_error(int fd);
// Who ended it, for `number` (errno): the sender of the ICMP error that the queue holds, or the target by RST.
[[nodiscard]] std::optional<Refusal> refusal_of(int fd, int number, const IpAddress& target);
// Closing leaves no TIME_WAIT at either end: it resets.
void reset_on_close(int fd);

}  // namespace conntruth::probe
