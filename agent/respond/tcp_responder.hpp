#pragma once
// Answers whole TCP connections at one port and family: reads a probe header, writes the answer, closes. Data is waited
// for by the kernel (TCP_DEFER_ACCEPT), so that one wake-up does a whole connection. A request that asks for it keeps
// its connection (TcpConversation). SYNs with the probe option are hidden from the listener: SynResponder answers
// those.

#include "agent/respond/handler.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::respond {

class TcpResponder final : public Handler {
 public:
  // In the calling thread's network namespace.
  [[nodiscard]] static Result<std::unique_ptr<Handler>> open(Family family, std::uint16_t port, std::uint32_t id);
  TcpResponder(io::Fd fd, std::uint32_t id) : Handler(std::move(fd)), id_(id) {}
  void ready(Desk& desk) override;

 private:
  void serve(Desk& desk, io::Fd connection, const SocketAddress& peer) const;
  std::uint32_t id_;
};

// A connection that its client keeps: answers request after request until the client ends it.
class TcpConversation final : public Handler {
 public:
  TcpConversation(io::Fd fd, wire::Identity identity) : Handler(std::move(fd)), identity_(identity) {}
  void ready(Desk& desk) override;

 private:
  // False: the client has gone, or is none of ours.
  bool read(Desk& desk);
  wire::Identity identity_;
  wire::ProbeHeaderBytes request_{};
  std::size_t received_ = 0;  // bytes of `request_`
};

}  // namespace conntruth::respond
