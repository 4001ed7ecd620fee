#pragma once
// Responders: answer probes at assigned ports of the places of one node, in both families, with identity (which
// responder, and the source and destination it saw), and report each probe seen as a Sight.
//
// UDP: a socket per family; answers leave from the address that was asked. TCP: a listener per family for whole
// connections; a SYN that carries the probe option is hidden from the listener (socket filter) and answered by a
// crafted SYN-ACK. SCTP: crafted INIT-ACK; an INIT to a port without a responder is refused with ABORT, because the
// kernel's "protocol unreachable" is silent once a raw SCTP socket exists. One thread serves all; sockets are made
// inside their namespaces and stay there.
//
// Errors of add(): kNotFound for an unknown place or a vanished namespace, kConflict (names place, protocol and port)
// where the port or the id is taken, kPermission. Where the host has no IPv6 a responder answers IPv4 only.
// Threading: every public function may be called from any thread; SightSink is called from the responder thread.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::respond {

class SightSink {
 public:
  SightSink() = default;
  SightSink(const SightSink&) = delete;
  SightSink& operator=(const SightSink&) = delete;
  virtual ~SightSink() = default;
  // Must not block for long and must not call Responders. A batch is at most 1024 sights.
  virtual void sights(std::vector<Sight> batch) = 0;
};

struct RespondersOptions {
  std::map<NamespaceName, std::string> places;  // name → path of the network namespace; "" (the agent's own) is implied
};

class Responders {
 public:
  Responders(RespondersOptions options, SightSink& sink);
  Responders(const Responders&) = delete;
  Responders& operator=(const Responders&) = delete;
  ~Responders();  // stop()

  [[nodiscard]] Status start();
  // One more place; a name that is known already is left as it is.
  [[nodiscard]] Status add_place(const NamespaceName& name, const std::string& path);
  // On return the responder answers. Nothing of it is left where it fails.
  [[nodiscard]] Status add(const ResponderSpec& spec);
  // On return its sockets are closed and the port answers as if it never was. Unknown ids are ignored.
  void remove(std::uint32_t id);
  // Refuses SCTP INITs of a place (ABORT) even where no responder is; idempotent. For EngineOptions::guard_sctp.
  [[nodiscard]] Status guard_sctp(const NamespaceName& place);
  void stop();  // closes everything; idempotent

  [[nodiscard]] std::vector<LossCounter> losses() const;  // totals since start(), without zeros, sorted by name

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace conntruth::respond
