#pragma once
// Which process has the netlink socket of a port. Threading: any thread.

#include <cstdint>
#include <string>

namespace conntruth::observe {

// "kube-proxy (712)"; "" where none is found: it is gone, or of another PID namespace. The kernel gives a process'
// first netlink socket the process' number as its port, so only that process is looked at, and whether it has the
// socket.
[[nodiscard]] std::string netfilter_socket_owner(std::uint32_t port, const std::string& proc = "/proc");

}  // namespace conntruth::observe
