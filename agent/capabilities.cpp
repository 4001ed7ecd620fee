#include "agent/capabilities.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace conntruth::agent {

namespace {

Result<std::uint64_t> effective_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0) return fail_errno("read this process's capabilities", errno);
  return (std::uint64_t{data[1].effective} << 32U) | data[0].effective;
}

}  // namespace

Status check_capabilities(bool enters_namespaces) {
  const auto effective = effective_capabilities();
  if (!effective) return std::unexpected(effective.error());
  const auto has = [&effective](unsigned capability) { return ((*effective >> capability) & 1U) != 0; };
  if (!has(CAP_NET_RAW)) {
    return fail(ErrorCode::kPermission,
                "CAP_NET_RAW is missing: crafted probes and answers go through raw sockets; run as root or add it");
  }
  if (enters_namespaces && !has(CAP_SYS_ADMIN)) {
    return fail(ErrorCode::kPermission,
                "CAP_SYS_ADMIN is missing: --place enters network namespaces; run as root or add it");
  }
  return {};
}

}  // namespace conntruth::agent
