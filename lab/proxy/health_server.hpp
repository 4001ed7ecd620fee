#pragma once
// Serves the health endpoints of one node over HTTP/1.1: the proxy's own port always, health check node ports as the
// world has them, in both families. One request per connection, at most 4 KiB of it and 256 connections at a time; the
// oldest one makes room. It answers GET with a path and no more. Works in the network namespace it was opened in.
// Threading: one thread, which polls fd().

#include <deque>
#include <map>
#include <string>

#include "common/result.hpp"
#include "lab/proxy/health.hpp"

namespace conntruth::lab_proxy {

// What a request that starts with these bytes gets; "" while its head is not whole. Pure.
[[nodiscard]] std::string http_response(const Health& health, Family family, std::uint16_t port,
                                        std::string_view request);

class HealthServer {
 public:
  [[nodiscard]] static Result<HealthServer> open();
  HealthServer(HealthServer&& other) noexcept;
  HealthServer& operator=(HealthServer&&) = delete;
  ~HealthServer();

  [[nodiscard]] int fd() const { return epoll_; }  // readable: call serve()
  void serve();
  // Opens and closes ports to fit; answers follow at once. An error names the first port that could not be opened; the
  // others are.
  [[nodiscard]] Status show(Health health);

 private:
  using Port = std::pair<Family, std::uint16_t>;
  struct Connection {
    Port port;
    std::string request;
  };
  explicit HealthServer(int epoll) : epoll_(epoll) {}
  [[nodiscard]] Status listen_at(const Port& port);
  void accept_at(int listener, const Port& port);
  void read(int fd);
  void hang_up(int fd);

  int epoll_ = -1;
  Health health_;
  std::map<Port, int> listeners_;
  std::map<int, Connection> connections_;  // by descriptor
  std::deque<int> by_age_;
};

}  // namespace conntruth::lab_proxy
