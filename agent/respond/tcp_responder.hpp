#pragma once
// Answers whole TCP connections at one port and family: reads a probe header, writes the answer, closes. Data is waited
// for by the kernel (TCP_DEFER_ACCEPT), so that one wake-up does a whole connection. SYNs with the probe option are
// hidden from the listener: SynResponder answers those.

#include "agent/respond/handler.hpp"

namespace conntruth::respond {

class TcpResponder final : public Handler {
 public:
  // In the calling thread's network namespace.
  [[nodiscard]] static Result<std::unique_ptr<Handler>> open(Family family, std::uint16_t port, std::uint32_t id);
  TcpResponder(io::Fd fd, std::uint32_t id) : Handler(std::move(fd)), id_(id) {}
  void ready(Desk& desk) override;

 private:
  void serve(Desk& desk, int connection, const SocketAddress& peer) const;
  std::uint32_t id_;
};

}  // namespace conntruth::respond
