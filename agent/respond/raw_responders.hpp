#pragma once
// Answer half-open probes of one place and family by raw sockets: SynResponder TCP SYNs, SctpResponder SCTP INITs. One
// of each serves all responder ports of the place.

#include <memory>
#include <unordered_map>

#include "agent/respond/handler.hpp"
#include "common/wire/packet.hpp"

namespace conntruth::respond {

using PortTable = std::unordered_map<std::uint16_t, std::uint32_t>;  // port → responder id

// A raw receiver and sender of one family; turns packets into answers.
class RawResponder : public Handler {
 public:
  RawResponder(io::Fd receiver, io::Fd sender, Family family, const PortTable& ports)
      : Handler(std::move(receiver)), sender_(std::move(sender)), family_(family), ports_(ports) {}
  void ready(Desk& desk) final;

 protected:
  // Writes the answer to one transport packet and returns its size, or 0 for none.
  virtual std::size_t answer(Desk& desk, const IpAddress& source, const IpAddress& destination, wire::Bytes transport,
                             wire::MutableBytes out) = 0;
  [[nodiscard]] std::uint32_t responder_at(std::uint16_t port) const;  // 0: none
  static void sight(Desk& desk, ProbeId id, std::uint32_t responder, const SocketAddress& source);

 private:
  void handle(Desk& desk, std::size_t index);
  io::Fd sender_;
  Family family_;
  const PortTable& ports_;
};

class SynResponder final : public RawResponder {
 public:
  // In the calling thread's network namespace; `ports` must outlive the responder.
  [[nodiscard]] static Result<std::unique_ptr<Handler>> open(Family family, const PortTable& ports);
  using RawResponder::RawResponder;

 private:
  std::size_t answer(Desk& desk, const IpAddress& source, const IpAddress& destination, wire::Bytes transport,
                     wire::MutableBytes out) override;
};

class SctpResponder final : public RawResponder {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Handler>> open(Family family, const PortTable& ports);
  using RawResponder::RawResponder;

 private:
  std::size_t answer(Desk& desk, const IpAddress& source, const IpAddress& destination, wire::Bytes transport,
                     wire::MutableBytes out) override;
};

}  // namespace conntruth::respond
