#include "lab/proxy/health_server.hpp"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <utility>

namespace conntruth::lab_proxy {
namespace {

constexpr std::size_t kLongestRequest = 4096;
constexpr std::size_t kConnections = 256;
constexpr int kBacklog = 64;

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

std::string to_response(const HttpAnswer& answer) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      answer.status, reason_of(answer.status), answer.body.size(), answer.body);
}

Result<int> open_listener(Family family, std::uint16_t port) {
  const int fd = ::socket(family == Family::kIpv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail_errno("open socket", errno);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int bound = -1;
  if (family == Family::kIpv4) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
  } else {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
  }
  if (bound == 0 && ::listen(fd, kBacklog) == 0) return fd;
  const int number = errno;
  ::close(fd);
  return fail_errno(fmt::format("serve health at port {}", port), number);
}

Status watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl", errno);
  return {};
}

}  // namespace

std::string http_response(const Health& health, Family family, std::uint16_t port, std::string_view request) {
  if (request.find("\r\n\r\n") == std::string_view::npos && request.find("\n\n") == std::string_view::npos) {
    return request.size() < kLongestRequest ? "" : to_response({.status = 405, .body = {}});
  }
  if (!request.starts_with("GET ")) return to_response({.status = 405, .body = {}});
  request.remove_prefix(4);
  return to_response(answer(health, family, port, request.substr(0, request.find_first_of(" ?\r\n"))));
}

Result<HealthServer> HealthServer::open() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return fail_errno("epoll_create1", errno);
  return HealthServer(epoll);
}

HealthServer::HealthServer(HealthServer&& other) noexcept
    : epoll_(std::exchange(other.epoll_, -1)),
      health_(std::move(other.health_)),
      listeners_(std::exchange(other.listeners_, {})),
      connections_(std::exchange(other.connections_, {})),
      by_age_(std::exchange(other.by_age_, {})) {}

HealthServer::~HealthServer() {
  for (const auto& [port, fd] : listeners_) ::close(fd);
  for (const auto& [fd, connection] : connections_) ::close(fd);
  if (epoll_ >= 0) ::close(epoll_);
}

Status HealthServer::listen_at(const Port& port) {
  const auto fd = open_listener(port.first, port.second);
  if (!fd) return std::unexpected(fd.error());
  listeners_[port] = *fd;
  return watch(epoll_, *fd);
}

Status HealthServer::show(Health health) {
  health_ = std::move(health);
  std::set<Port> wanted{{Family::kIpv4, kProxyHealthPort}, {Family::kIpv6, kProxyHealthPort}};
  for (const auto& [port, service] : health_.services) wanted.insert(port);
  std::erase_if(listeners_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    ::close(entry.second);
    return true;
  });
  Status result;
  for (const auto& port : wanted) {
    if (listeners_.contains(port)) continue;
    if (auto opened = listen_at(port); !opened && result) result = opened;
  }
  return result;
}

void HealthServer::accept_at(int listener, const Port& port) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (connections_.size() >= kConnections) hang_up(by_age_.front());
  connections_[fd] = {port, {}};
  by_age_.push_back(fd);
  if (!watch(epoll_, fd)) hang_up(fd);
}

void HealthServer::hang_up(int fd) {
  std::erase(by_age_, fd);
  connections_.erase(fd);
  ::close(fd);
}

void HealthServer::read(int fd) {
  auto& [port, request] = connections_.at(fd);
  std::array<char, kLongestRequest> bytes{};
  const auto size = ::recv(fd, bytes.data(), bytes.size() - request.size(), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return hang_up(fd);
  request.append(bytes.data(), static_cast<std::size_t>(size));
  const auto response = http_response(health_, port.first, port.second, request);
  if (response.empty()) return;
  [[maybe_unused]] const auto sent = ::send(fd, response.data(), response.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  hang_up(fd);
}

void HealthServer::serve() {
  std::array<epoll_event, 64> events{};
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
    const auto listener = std::ranges::find(listeners_, fd, [](const auto& entry) { return entry.second; });
    if (listener != listeners_.end()) {
      accept_at(fd, listener->first);
    } else if (connections_.contains(fd)) {
      read(fd);
    }
  }
}

}  // namespace conntruth::lab_proxy
