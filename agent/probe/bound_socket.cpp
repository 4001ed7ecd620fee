#include "agent/probe/bound_socket.hpp"

#include <cerrno>

#include "agent/io/error_queue.hpp"
#include "agent/io/socket.hpp"

namespace conntruth::probe {

Result<io::Fd> open_bound(const ProbeTask& task, int type, std::uint16_t port) {
  const auto family = task.target.address.family();
  auto fd = io::open_socket(io::domain_of(family), type, 0);
  if (!fd) return fd;
  auto done = io::enable_error_queue(fd->get(), family);
  if (done) done = io::set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  const auto any = family == Family::kIpv4 ? IpAddress::v4({}) : IpAddress::v6({});
  if (done) done = io::bind_to(fd->get(), {task.source.is_unspecified() ? any : task.source, port});
  if (!done) return std::unexpected(done.error());
  return fd;
}

int connect_to(int fd, const SocketAddress& target) {
  const auto address = io::to_kernel(target);
  return ::connect(fd, &address.base, io::size_of(address)) == 0 ? 0 : errno;
}

}  // namespace conntruth::probe
