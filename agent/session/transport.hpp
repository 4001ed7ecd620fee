#pragma once
// What carries the session's bytes: gRPC in the product (grpc_transport.cpp), a scripted pair in tests.
// Messages are the bytes of common/codec; no gRPC type is seen here.

#include <memory>
#include <string>

#include "common/result.hpp"

namespace conntruth::session {

// Called from threads of the transport, one call at a time: message()* then at most one closed(). Must not block.
class LinkEvents {
 public:
  LinkEvents() = default;
  LinkEvents(const LinkEvents&) = delete;
  LinkEvents& operator=(const LinkEvents&) = delete;
  virtual ~LinkEvents() = default;
  virtual void message(std::string bytes) = 0;
  virtual void closed(const std::string& why) = 0;
};

// One stream to the controller, or the attempt to have one: failing to connect is a closed() too.
class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  // Ends the stream; when it returns no event of it comes any more. Not from within an event.
  virtual ~Link() = default;
  // Queues; never blocks. The caller bounds what it has not seen acknowledged. After the end it does nothing.
  virtual void send(std::string bytes) = 0;
};

class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;
  // `events` must outlive the Link.
  [[nodiscard]] virtual std::unique_ptr<Link> connect(LinkEvents& events) = 0;
};

// How a TCP connection to the controller is protected. Unix sockets are guarded by their mode and need none of it.
// All files are read for each connection anew: a Secret's change and a rotated token need no restart.
struct TransportSecurity {
  std::string ca_file;         // PEM: whom to trust
  std::string server_name;     // what the controller's certificate has to carry, whatever address is dialled
  std::string token_file;      // sent as "authorization: Bearer ..."; "": none
  bool plaintext_lab = false;  // TCP without any of it, on a network that is a lab's own
};

// `target` is a gRPC target: "unix:/path" or "HOST:PORT". Links must be gone before it goes. kInvalidInput for a TCP
// target that is neither secured nor a lab's. What is wrong later (a file, the certificate, a token that is refused) is
// the closed() of each Link, one line that names the file and the remedy.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_grpc_transport(const std::string& target,
                                                                     TransportSecurity security = {});

}  // namespace conntruth::session
