#pragma once
// Sockets of the calling thread's network namespace: non-blocking, close-on-exec. Errors name the call.

#include <functional>
#include <optional>

#include "agent/io/fd.hpp"
#include "agent/io/kernel_address.hpp"
#include "common/result.hpp"

namespace conntruth::io {

inline constexpr int kBigReceiveBuffer =
    16 * 1024 * 1024;  // bytes; the kernel doubles it; used only while packets wait

[[nodiscard]] bool has_family(Family family);  // whether this kernel has it at all
[[nodiscard]] Result<Fd> open_socket(int domain, int type, int protocol);
[[nodiscard]] Status set_option(int fd, int level, int name, int value, std::string_view what);
// Beyond the host's limit where permitted (CAP_NET_ADMIN), else as far as it goes.
void enlarge_receive_buffer(int fd, int bytes = kBigReceiveBuffer);
[[nodiscard]] Status bind_to(int fd, const SocketAddress& address);
[[nodiscard]] std::optional<SocketAddress> local_address(int fd);

// Receives the raw packets of an IP protocol: IPv4 with header, IPv6 without, with overflow counts and, over IPv6, the
// destination address as ancillary data. `protect` attaches a filter; what came in before it is thrown away.
[[nodiscard]] Result<Fd> open_raw_receiver(Family family, int protocol, const std::function<Status(int)>& protect);
// Sends whole IP packets through the namespace's output hooks (raw(7), IP_HDRINCL).
[[nodiscard]] Result<Fd> open_raw_sender(Family family);

// Which address of this namespace the kernel would put on packets to `target`; `wanted`, where specified, must be one
// of them. kUnavailable where there is no route, kInvalidInput where `wanted` is not local.
[[nodiscard]] Result<IpAddress> source_address(const SocketAddress& target, const IpAddress& wanted);

}  // namespace conntruth::io
