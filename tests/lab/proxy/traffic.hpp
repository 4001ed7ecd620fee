#pragma once
// Packets for the tests of the proxy: listeners that say who they are and whom they see, and probes that tell answered,
// refused and silent apart. TCP and UDP with the kernel's sockets; SCTP crafted (INIT, INIT-ACK), as kernels may lack
// it. One thread does both ends.

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "tests/lab/proxy/netns.hpp"

namespace conntruth::lab_proxy::test {

enum class Fate { kReplied, kRefused, kSilent };

struct Outcome {
  Fate fate = Fate::kSilent;
  IpAddress by;    // the listener's address, where it replied
  IpAddress seen;  // the client's address as the listener saw it
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* out);
inline Outcome refused() { return {Fate::kRefused, {}, {}}; }
inline Outcome silent() { return {}; }
inline Outcome replied(const IpAddress& by, const IpAddress& seen) { return {Fate::kReplied, by, seen}; }

struct ProbeTo {
  SocketAddress target;
  Protocol protocol = Protocol::kTcp;
  SocketAddress source = {};  // unspecified: the kernel's choice. An address of the other family is no choice either
};

class Traffic {
 public:
  Traffic();
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  void listen(const Netns& where, const SocketAddress& address, Protocol protocol);
  // Silence is only believed after a while; everything else is told at once.
  Outcome probe(const Netns& from, const ProbeTo& probe);

  // A TCP connection that stays: opened from `from`, alive() says whether a byte still goes there and back.
  class Connection {
   public:
    explicit Connection(int client, int server) : client_(client), server_(server) {}
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    [[nodiscard]] bool alive() const;

   private:
    int client_;
    int server_;
  };
  std::unique_ptr<Connection> connect(const Netns& from, const SocketAddress& target);

 private:
  struct Listener {
    int fd = -1;
    SocketAddress address;
    Protocol protocol = Protocol::kTcp;
    const Netns* where = nullptr;
  };
  Outcome probe_stream(int client, const ProbeTo& probe);
  Outcome probe_datagram(int client, const ProbeTo& probe);
  Outcome probe_sctp(const Netns& from, const ProbeTo& probe);
  bool serve(const std::vector<int>& clients);
  void answer_sctp(const Listener& listener);

  std::vector<Listener> listeners_;
  std::uint16_t next_port_ = 20000;
};

}  // namespace conntruth::lab_proxy::test
