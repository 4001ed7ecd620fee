#pragma once
// TCP sockets, made in a network namespace of choice. Internal to the room.
//
// A socket belongs for life to the namespace that its maker was in; so a thread of its own enters the namespace, looks
// the name up there, makes the sockets and ends. No other thread of the process ever changes its namespace.
// Threading: free functions, any thread.

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace conntruth::kube {

// An owned descriptor.
class Fd {
 public:
  explicit Fd(int number = -1) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] int release();

 private:
  int number_;
};

// A socket that is not connected yet, and where it is to go.
struct Candidate {
  Fd socket;
  sockaddr_storage address{};
  socklen_t size = 0;
};

// At least one, in the resolver's order. `network_namespace` "": the caller's. kUnavailable at the deadline: the name
// server may hang, and cannot be interrupted; its thread is then left to end by itself.
[[nodiscard]] Result<std::vector<Candidate>> make_sockets(const std::string& host, std::uint16_t port,
                                                          const std::string& network_namespace,
                                                          std::chrono::steady_clock::time_point deadline);

}  // namespace conntruth::kube
