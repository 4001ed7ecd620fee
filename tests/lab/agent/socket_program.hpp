#pragma once
// A program of a cgroup that gives this process' sockets another destination as they connect: what Cilium does in place
// of rules of a packet filter. Source: BPF_CGROUP_INET4_CONNECT and bpf_sock_addr of
// include/uapi/linux/bpf.h.

#include <string>

#include "agent/io/fd.hpp"
#include "common/address.hpp"
#include "common/result.hpp"

namespace conntruth::tests {

// While it lives, this whole process is in a cgroup of its own below `hierarchy`, and IPv4 sockets that connect to
// `from` are connected to `to`.
class SocketProgram {
 public:
  // Where cgroup v2 is mounted; "" where it is not, or may not be written.
  [[nodiscard]] static std::string hierarchy();

  SocketProgram(const SocketAddress& from, const SocketAddress& to);  // the test fails where it cannot be attached
  ~SocketProgram();
  SocketProgram(const SocketProgram&) = delete;
  SocketProgram& operator=(const SocketProgram&) = delete;

 private:
  std::string before_;  // the cgroup that the process was in
  std::string path_;
};

}  // namespace conntruth::tests
