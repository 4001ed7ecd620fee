#include "agent/probe/ports.hpp"

#include "agent/io/socket.hpp"

namespace conntruth::probe {

std::uint16_t first_port_at(std::int64_t now_ns, PortRange range) {
  return static_cast<std::uint16_t>(range.first + now_ns / kNsPerPort % range.count);
}

std::uint16_t PortWalk::next() {
  const auto port = next_;
  next_ = port == range_.first + range_.count - 1 ? range_.first : static_cast<std::uint16_t>(port + 1);
  return port;
}

PortWalk& PortWalks::of(const IpAddress& source, const SocketAddress& target) {
  const auto hash = std::hash<IpAddress>()(source) * 31 + std::hash<SocketAddress>()(target);
  const auto shift = starts_ == 0 ? hash % range_.count : hash % starts_ * kStartsApart;
  const auto first = first_port_at(start_ns_ + static_cast<std::int64_t>(shift) * kNsPerPort, range_);
  return walks_.try_emplace({source, target}, range_, first).first->second;
}

namespace {

// One socket holds the port in both families where the host has both. The smallest receive buffer takes one or two
// answers and drops the rest, cheaper than a filter, which the kernel compiles for each socket.
Result<io::Fd> open_silent(std::uint16_t port, bool v6) {
  auto fd = io::open_socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
  if (!fd) return fd;
  auto done = io::set_option(fd->get(), SOL_SOCKET, SO_RCVBUF, 0, "SO_RCVBUF");
  if (done && v6) done = io::set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, 0, "IPV6_V6ONLY");
  if (done) done = io::bind_to(fd->get(), {v6 ? IpAddress::v6({}) : IpAddress::v4({}), port});
  if (!done) return std::unexpected(done.error());
  return fd;
}

}  // namespace

ReservedPorts::ReservedPorts() : v6_(io::has_family(Family::kIpv6)) {}

bool ReservedPorts::reserve(std::uint16_t port) {
  if (ours_.test(port)) return true;
  if (const auto found = held_.find(port); found != held_.end() && !found->second.expired()) return true;
  auto fd = open_silent(port, v6_);
  if (!fd) return false;
  sockets_.emplace_back(port, std::move(*fd));
  ours_.set(port);
  if (sockets_.size() > kHeld) {
    ours_.reset(sockets_.front().first);
    sockets_.pop_front();
  }
  return true;
}

Result<std::shared_ptr<io::Fd>> ReservedPorts::hold(std::uint16_t port) {
  if (auto held = held_[port].lock()) return held;
  if (ours_.test(port)) {  // from now on as long as the task wants
    std::erase_if(sockets_, [port](const auto& socket) { return socket.first == port; });
    ours_.reset(port);
  }
  auto fd = open_silent(port, v6_);
  if (!fd) return std::unexpected(fd.error().in("source port"));
  auto held = std::make_shared<io::Fd>(std::move(*fd));
  held_[port] = held;
  return held;
}

}  // namespace conntruth::probe
