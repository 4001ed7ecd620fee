#pragma once
// A small HTTP/1.1 server with limits on all that comes from outside: connections, bytes and time of a head and of a
// body, time that a client may take to read. One thread per connection; whoever comes when all are taken gets a 503.
//
// Errors: kConflict where the address is taken, kInvalidInput where it is none of this machine. Threading: start and
// destructor on one thread; the handler runs on the connections' threads, several at once, and may block.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/address.hpp"
#include "common/result.hpp"
#include "controller/http/event_log.hpp"

namespace conntruth::http {

struct Request {
  std::string method;  // "GET"
  std::string path;    // "/v1/runs"
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct Reply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  // Set: these as server-sent events, from above `after` on until the log is closed.
  std::shared_ptr<const EventLog> events;
  std::uint64_t after = 0;
};

struct ServerOptions {
  std::size_t connections = 64;
  std::uint32_t head_bytes = 16U << 10U;
  std::uint64_t body_bytes = 8U << 20U;           // a world of some thousand objects
  std::chrono::milliseconds head_within{10'000};  // also how long an idle connection is kept
  std::chrono::milliseconds body_within{30'000};
  std::chrono::milliseconds write_within{30'000};  // of each piece
  std::chrono::milliseconds heartbeat{15'000};     // of a silent event stream
};

class Server {
 public:
  using Handler = std::function<Reply(const Request&)>;
  // Port 0: any free one.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const SocketAddress& address, ServerOptions options,
                                                             Handler handler);
  // Ends every connection; waits for handlers that are running.
  virtual ~Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] virtual std::uint16_t port() const = 0;

 protected:
  Server() = default;
};

// Path and query of a target, percent-decoded; kInvalidInput for one that is neither.
[[nodiscard]] Result<Request> read_target(std::string_view target);

}  // namespace conntruth::http
