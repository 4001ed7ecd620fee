#include "agent/io/socket.hpp"

#include <array>
#include <cerrno>

namespace conntruth::io {

bool has_family(Family family) {
  return Fd(::socket(domain_of(family), SOCK_DGRAM | SOCK_CLOEXEC, 0)) || errno != EAFNOSUPPORT;
}

Result<Fd> open_socket(int domain, int type, int protocol) {
  Fd fd(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd) return fail_errno(type == SOCK_RAW ? "open raw socket" : "open socket", errno);
  return fd;
}

Status set_option(int fd, int level, int name, int value, std::string_view what) {
  if (setsockopt(fd, level, name, &value, sizeof value) != 0) return fail_errno("set " + std::string(what), errno);
  return {};
}

void enlarge_receive_buffer(int fd, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

Status bind_to(int fd, const SocketAddress& address) {
  const auto kernel = to_kernel(address);
  if (::bind(fd, &kernel.base, size_of(kernel)) != 0) return fail_errno("bind " + address.to_string(), errno);
  return {};
}

std::optional<SocketAddress> local_address(int fd) {
  KernelAddress kernel{};
  socklen_t size = sizeof kernel;
  if (getsockname(fd, &kernel.base, &size) != 0) return std::nullopt;
  return from_kernel(kernel);
}

namespace {

void discard_waiting(int fd) {
  std::array<char, 1> byte{};
  while (::recv(fd, byte.data(), byte.size(), MSG_DONTWAIT | MSG_TRUNC) >= 0) {
  }
}

}  // namespace

Result<Fd> open_raw_receiver(Family family, int protocol, const std::function<Status(int)>& protect) {
  auto fd = open_socket(domain_of(family), SOCK_RAW, protocol);
  if (!fd) return fd;
  enlarge_receive_buffer(fd->get());
  auto done = set_option(fd->get(), SOL_SOCKET, SO_RXQ_OVFL, 1, "SO_RXQ_OVFL");
  if (done && family == Family::kIpv6)
    done = set_option(fd->get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
  if (done) done = protect(fd->get());
  if (!done) return std::unexpected(done.error());
  discard_waiting(fd->get());
  return fd;
}

Result<Fd> open_raw_sender(Family family) {
  auto fd = open_socket(domain_of(family), SOCK_RAW, IPPROTO_RAW);  // implies IP_HDRINCL, in IPv6 as well
  if (!fd) return fd;
  const int bytes = 4 * 1024 * 1024;
  if (setsockopt(fd->get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0) {
    setsockopt(fd->get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }
  return fd;
}

Result<IpAddress> source_address(const SocketAddress& target, const IpAddress& wanted) {
  auto fd = open_socket(domain_of(target.address.family()), SOCK_DGRAM, 0);
  if (!fd) return std::unexpected(fd.error());
  if (!wanted.is_unspecified()) {
    if (wanted.family() != target.address.family()) {
      return fail(ErrorCode::kInvalidInput,
                  "source " + wanted.to_string() + " and target " + target.to_string() + " are of different families");
    }
    if (!bind_to(fd->get(), {wanted, 0})) {
      return fail(ErrorCode::kInvalidInput, "source " + wanted.to_string() + " is not an address of this place");
    }
  }
  const auto kernel = to_kernel(target);
  if (::connect(fd->get(), &kernel.base, size_of(kernel)) != 0) {
    const int number = errno;
    return fail(ErrorCode::kUnavailable,
                fail_errno("no route to " + target.address.to_string(), number).error().message);
  }
  const auto local = local_address(fd->get());
  if (!local) return fail_errno("getsockname", errno);
  return local->address;
}

}  // namespace conntruth::io
