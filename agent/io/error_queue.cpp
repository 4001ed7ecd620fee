#include "agent/io/error_queue.hpp"

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>

#include <cstring>

#include "agent/io/socket.hpp"

namespace conntruth::io {

Status enable_error_queue(int fd, Family family) {
  if (family == Family::kIpv4) return set_option(fd, IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR");
  return set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1, "IPV6_RECVERR");
}

bool is_refusal(Family family, std::uint8_t type, std::uint8_t code) {
  if (family == Family::kIpv6)
    return type == ICMP6_DST_UNREACH || type == ICMP6_TIME_EXCEEDED || type == ICMP6_PARAM_PROB;
  if (type == ICMP_DEST_UNREACH) return code != ICMP_FRAG_NEEDED;
  return type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

namespace {

Refusal read_refusal(const cmsghdr* control) {
  struct {
    sock_extended_err error;
    KernelAddress offender;
  } data{};
  std::memcpy(&data, CMSG_DATA(control), std::min<std::size_t>(control->cmsg_len - CMSG_LEN(0), sizeof data));
  if (data.error.ee_origin != SO_EE_ORIGIN_ICMP && data.error.ee_origin != SO_EE_ORIGIN_ICMP6) return {};
  return {.kind = RefusalKind::kIcmp,
          .icmp_type = data.error.ee_type,
          .icmp_code = data.error.ee_code,
          .from = from_kernel(data.offender).address};
}

}  // namespace

std::optional<QueuedError> next_queued_error(int fd, wire::MutableBytes payload) {
  iovec vector{payload.data(), payload.size()};
  alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto size = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  QueuedError result{.refusal = {}, .quoted = static_cast<std::size_t>(size)};
  for (auto* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    const bool v4 = at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR;
    const bool v6 = at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR;
    if (v4 || v6) result.refusal = read_refusal(at);
  }
  return result;
}

}  // namespace conntruth::io
