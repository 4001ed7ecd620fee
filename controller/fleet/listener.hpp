#pragma once
// The seam between the fleet and what carries its bytes: gRPC in the product, a scripted pair in tests.
// Messages are the bytes of common/codec; no gRPC type is seen here.

#include <memory>
#include <string>

#include "common/result.hpp"
#include "controller/fleet/fleet.hpp"

namespace conntruth::fleet {

// One agent's stream. Functions never block, never call back into ConnectionEvents, may be called from any thread and
// do nothing once the stream has ended.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;
  virtual void send(std::string bytes) = 0;
  // Ends the stream after what was sent before. closed() follows.
  virtual void finish() = 0;
  // After a message() that returned false: go on reading.
  virtual void resume_reading() = 0;
  // What the agent proves itself with ("Bearer ..."), without that word; "" where it brought nothing.
  [[nodiscard]] virtual std::string token() const { return {}; }
};

// Called from threads of the transport; for one connection one call at a time, message()* then closed(). Must not
// block.
class ConnectionEvents {
 public:
  ConnectionEvents() = default;
  ConnectionEvents(const ConnectionEvents&) = delete;
  ConnectionEvents& operator=(const ConnectionEvents&) = delete;
  virtual ~ConnectionEvents() = default;
  // False: the message was taken, but read no further until resume_reading().
  [[nodiscard]] virtual bool message(const std::shared_ptr<Connection>& connection, std::string bytes) = 0;
  virtual void closed(const std::shared_ptr<Connection>& connection, const std::string& why) = 0;
};

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  // Ends what shutdown() would.
  virtual ~Listener() = default;
  // Takes no new streams and ends all others: first politely, after a bound by cancelling. When it returns no event
  // comes any more. Idempotent.
  virtual void shutdown() = 0;
};

// "unix:/path" (mode 0600, a stale socket is replaced, a live one is kConflict) or "HOST:PORT". grpc_service.cpp.
[[nodiscard]] Result<std::unique_ptr<Listener>> listen_grpc(const std::string& target, const ListenSecurity& security,
                                                            ConnectionEvents& events);

}  // namespace conntruth::fleet
