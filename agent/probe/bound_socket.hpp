#pragma once
// The kernel sockets of probes: non-blocking, at a source port of our choice, with an error queue that tells who
// refused. Of the calling thread's namespace.

#include "agent/io/fd.hpp"
#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::probe {

// `type`: SOCK_STREAM or SOCK_DGRAM, bound to that port of the task's source; connecting it is the caller's. A port may
// be bound several times over: connected sockets are told apart by their targets.
[[nodiscard]] Result<io::Fd> open_bound(const ProbeTask& task, int type, std::uint16_t port);
// Starts the connection: 0, EINPROGRESS (streams) or the errno that ended it.
[[nodiscard]] int connect_to(int fd, const SocketAddress& target);

}  // namespace conntruth::probe
