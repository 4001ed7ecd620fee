#include "agent/probe/tcp_connect.hpp"

#include <netinet/in.h>

#include <cerrno>

#include "agent/io/error_queue.hpp"
#include "agent/io/socket.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::probe {

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

std::optional<Refusal> refusal_of(int fd, int number, const IpAddress& target) {
  wire::ProbeHeaderBytes quoted{};
  while (const auto error = io::next_queued_error(fd, quoted)) {
    const auto& refusal = error->refusal;
    if (refusal.kind == RefusalKind::kIcmp && io::is_refusal(target.family(), refusal.icmp_type, refusal.icmp_code)) {
      return refusal;
    }
  }
  if (number != ECONNREFUSED && number != ECONNRESET) return std::nullopt;
  return Refusal{.kind = RefusalKind::kReset, .icmp_type = 0, .icmp_code = 0, .from = target};
}

void reset_on_close(int fd) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

}  // namespace conntruth::probe
