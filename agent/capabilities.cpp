#include "agent/capabilities.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "agent/io/fd.hpp"

namespace conntruth::agent {

namespace {

Result<std::uint64_t> effective_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0) return fail_errno("read this process's capabilities", errno);
  return (std::uint64_t{data[1].effective} << 32U) | data[0].effective;
}

// Newer kernels let nobody else attach a filter to a TCP socket. Asked by trying: distributions carry it back.
bool filters_need_net_admin() {
  const io::Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const io::Fd other(socket ? -1 : ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sock_filter accept{BPF_RET | BPF_K, 0, 0, UINT32_MAX};
  const sock_fprog program{1, &accept};
  return setsockopt((socket ? socket : other).get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0 &&
         errno == EPERM;
}

}  // namespace

Status check_capabilities(Duty duty) {
  struct Need {
    unsigned number;
    const char* name;
    Duty from;  // this duty and those after it
    const char* reason;
  };
  static constexpr std::array kNeeds = {
      Need{CAP_NET_RAW, "CAP_NET_RAW", Duty::kNodeOnly, "crafted probes and answers go through raw sockets"},
      Need{CAP_NET_ADMIN, "CAP_NET_ADMIN", Duty::kNodeOnly,
           "this kernel lets nobody else attach a filter to a TCP socket, by which responders tell probes' SYNs apart"},
      Need{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", Duty::kPlaces, "probes from pods enter their network namespaces, setns(2)"},
      Need{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", Duty::kDaemonSet,
           "the anchors' network namespaces, /proc/PID/ns/net, are those of another user's processes"}};
  const auto effective = effective_capabilities();
  if (!effective) return std::unexpected(effective.error());
  for (const auto& need : kNeeds) {
    if (duty < need.from || ((*effective >> need.number) & 1U) != 0) continue;
    if (need.number == CAP_NET_ADMIN && !filters_need_net_admin()) continue;
    return fail(ErrorCode::kPermission,
                fmt::format("{} is missing: {}; {}", need.name, need.reason,
                            duty == Duty::kDaemonSet
                                ? "add it to securityContext.capabilities.add of DaemonSet conntruth-agent, with "
                                  "runAsUser 0 (docs/agent.md)"
                                : "run as root or add it"));
  }
  return {};
}

}  // namespace conntruth::agent
