#pragma once
// Many datagrams per system call. Buffers are made once; nothing is allocated per packet.
// Threading: one thread per object.

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "agent/io/kernel_address.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/packet.hpp"

namespace conntruth::io {

inline constexpr std::size_t kBatch = 64;

class ReceiveBatch {
 public:
  ReceiveBatch();

  // Reads what is there, up to kBatch datagrams; 0 when there is none. Longer datagrams are cut.
  [[nodiscard]] std::size_t receive(int fd);

  [[nodiscard]] wire::Bytes data(std::size_t index) const;
  [[nodiscard]] SocketAddress source(std::size_t index) const;
  // From IP_PKTINFO or IPV6_PKTINFO.
  [[nodiscard]] std::optional<IpAddress> destination(std::size_t index) const;
  // Datagrams that this socket has lost since it was made (SO_RXQ_OVFL), as of the last datagram read.
  [[nodiscard]] std::optional<std::uint32_t> overflow(std::size_t index) const;

 private:
  static constexpr std::size_t kSize = 512;
  static constexpr std::size_t kControl = 128;
  struct Buffers;
  struct Deleter {
    void operator()(Buffers* buffers) const;
  };
  std::unique_ptr<Buffers, Deleter> buffers_;
};

class SendBatch {
 public:
  SendBatch();

  [[nodiscard]] bool full() const { return count_ == kBatch; }
  [[nodiscard]] std::size_t size() const { return count_; }
  // Where to write the next packet; valid until add(). Not when full().
  [[nodiscard]] wire::MutableBytes next();
  // Takes what was written to next(). `from`, where specified, is the source address (UDP sockets: IP_PKTINFO).
  void add(std::size_t bytes, const SocketAddress& to, const IpAddress& from = {});

  // Sends all and becomes empty. result(i) is 0 or the errno of the i-th packet, until the next add().
  void flush(int fd);
  [[nodiscard]] int result(std::size_t index) const { return results_.at(index); }

 private:
  struct Buffers;
  struct Deleter {
    void operator()(Buffers* buffers) const;
  };
  std::unique_ptr<Buffers, Deleter> buffers_;
  std::array<int, kBatch> results_{};
  std::size_t count_ = 0;
};

}  // namespace conntruth::io
