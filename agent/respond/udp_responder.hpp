#pragma once
// Answers UDP probes, from kernel sockets and crafted ones alike, at one port and family.

#include "agent/respond/handler.hpp"

namespace conntruth::respond {

class UdpResponder final : public Handler {
 public:
  // In the calling thread's network namespace.
  [[nodiscard]] static Result<std::unique_ptr<Handler>> open(Family family, std::uint16_t port, std::uint32_t id);
  UdpResponder(io::Fd fd, std::uint16_t port, std::uint32_t id) : Handler(std::move(fd)), port_(port), id_(id) {}
  void ready(Desk& desk) override;

 private:
  void answer(Desk& desk, std::size_t index, std::int64_t now_ns);
  std::uint16_t port_;
  std::uint32_t id_;
};

}  // namespace conntruth::respond
