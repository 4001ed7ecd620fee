#pragma once
// A client of one API server: a small pool of kept connections (HTTP/1.1 over TLS), deadlines, retries, counters.
//
// Retried until the deadline, with Retry-After or else exponential backoff with jitter: 429 and 503 always; 500, 502,
// 504, connection errors where the request is repeatable. 401 once, with credentials read anew. Every other status of
// 400 and above is an Error:
//   401, 403 kPermission (403 with the RBAC rule that is missing) | 404 kNotFound | 409 kConflict | 400, 405, 422
//   kInvalidInput | 410, 429, 5xx, no connection, deadline kUnavailable
// The message has verb, resource, namespace and name, the status and a remedy.
// Threading: every function from any thread. Calls block the caller, at most to their deadline. close() ends all of
// them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "kube/access.hpp"
#include "kube/request.hpp"

namespace conntruth::kube {

using SteadyTime = std::chrono::steady_clock::time_point;

// What passes between two tries of one request.
struct Backoff {
  std::chrono::milliseconds first{50};
  std::chrono::milliseconds most{5000};
  std::function<double()> jitter;  // 0..1, from any thread; empty: none. The delay is multiplied by 0.5 + jitter / 2

  [[nodiscard]] std::chrono::milliseconds delay(unsigned tries) const;  // tries: from 0
};

struct ClientOptions {
  std::string user_agent = "conntruth";
  std::string field_manager = "conntruth";
  std::size_t connections = 8;                   // of the pool; a watch has one of its own
  std::chrono::milliseconds timeout{15000};      // of a call without a deadline of its own, all its tries included
  std::chrono::milliseconds attempt{10000};      // of one try
  std::size_t max_body = std::size_t{1} << 30U;  // bytes of one answer
  Backoff backoff;
  std::function<SteadyTime()> now;  // empty: steady_clock
  std::function<std::chrono::system_clock::time_point()>
      wall;  // for certificates' and tokens' ends; empty: system_clock
};

struct Response {
  unsigned status = 0;  // HTTP
  std::string body;
  unsigned retries = 0;
  std::chrono::milliseconds retry_after{0};  // what the server asked for, where it refused
};

struct ClientCounters {
  std::uint64_t requests = 0;        // answered or failed for good
  std::uint64_t retries = 0;         // tries beyond the first
  std::uint64_t throttled = 0;       // answers 429
  std::uint64_t connections = 0;     // opened
  std::uint64_t bytes_received = 0;  // of bodies
};

// The open answer of a watch. One thread reads; interrupt() from any thread.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;
  // Appends what came next to `into`; false: the server ended the answer properly. kUnavailable: cut, timed out (`idle`
  // passed without a byte) or interrupted.
  [[nodiscard]] virtual Result<bool> read(std::string& into, std::chrono::milliseconds idle) = 0;
  virtual void interrupt() = 0;
};

class Client {
 public:
  // Nothing is sent yet; fails on unusable certificates and keys.
  [[nodiscard]] static Result<std::unique_ptr<Client>> make(Access access, ClientOptions options);
  virtual ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // 2xx, or an Error as above.
  [[nodiscard]] Result<Response> call(const Request& request) { return call(request, default_deadline()); }
  [[nodiscard]] virtual Result<Response> call(const Request& request, SteadyTime deadline) = 0;
  // Any status that is not retried; an Error only where there was no answer.
  [[nodiscard]] virtual Result<Response> exchange(const Request& request, SteadyTime deadline) = 0;
  // Of an answer of status 400 and above, what call() would give.
  [[nodiscard]] virtual Error refusal(const Request& request, const Response& response) const = 0;
  // As many at once as the pool has connections; results in the order of the requests.
  [[nodiscard]] virtual std::vector<Result<Response>> batch(const std::vector<Request>& requests,
                                                            SteadyTime deadline) = 0;
  // Calls work(0) .. work(count - 1), as many at once as the pool has connections. `work` may use this client.
  virtual void for_each(std::size_t count, const std::function<void(std::size_t)>& work) = 0;
  // One try, no retries, no deadline for its end: Reflector decides. Statuses of 400 and above come back as Response.
  struct Opened {
    Response refusal;                // the status, and from 400 on the body
    std::unique_ptr<Stream> stream;  // below 400
  };
  [[nodiscard]] virtual Result<Opened> open_stream(const Request& request, SteadyTime deadline) = 0;

  // Waits; false where close() or `stop` came first. For backoff of callers.
  [[nodiscard]] virtual bool wait(std::chrono::milliseconds delay, const std::function<bool()>& stop) = 0;
  virtual void wake() = 0;  // lets wait() ask `stop` again
  virtual void close() = 0;
  [[nodiscard]] virtual SteadyTime default_deadline() const = 0;
  [[nodiscard]] virtual SteadyTime deadline_in(std::chrono::milliseconds timeout) const = 0;
  [[nodiscard]] virtual ClientCounters counters() const = 0;
  [[nodiscard]] virtual const Backoff& backoff() const = 0;

 protected:
  Client() = default;
};

}  // namespace conntruth::kube
