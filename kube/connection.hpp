#pragma once
// One connection to an API server: HTTP/1.1, over TLS or plain. Internal to the room.
//
// Every call runs the connection's own event loop in the calling thread until the operation is done or its deadline has
// passed; after a failure the connection is of no use any more. Threading: one thread at a time; interrupt() from any.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.hpp"

namespace conntruth::kube {

// Whom to connect to and how to trust it. `name` is what its certificate has to carry.
struct Peer {
  bool tls = true;
  std::string host;
  std::uint16_t port = 443;
  std::string network_namespace;
  std::string name;
  std::string ca_pem;
  bool skip_verify = false;
  std::string certificate_pem;  // ours
  std::string key_pem;
  std::size_t max_body = std::size_t{1} << 30U;
};

struct HttpRequest {
  std::string_view method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
};

struct HttpReply {
  unsigned status = 0;
  std::optional<std::chrono::seconds> retry_after;
  std::string body;
  bool keep = true;  // the connection may be used again
};

// How far a failed exchange had come: what may be sent again without asking whether it was carried out.
enum class Progress : std::uint8_t {
  kNothingSent,
  kSent,      // perhaps carried out
  kAnswered,  // the answer began
};

class Connection {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Checks that certificates and keys can be used; kInvalidInput names which cannot.
  [[nodiscard]] static Status check(const Peer& peer);
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const Peer& peer, Deadline deadline);
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  [[nodiscard]] virtual Result<HttpReply> exchange(const HttpRequest& request, Deadline deadline) = 0;
  // Reads the head of the answer only; where its status is 400 or above the body too. Then read() until it gives false.
  [[nodiscard]] virtual Result<HttpReply> begin(const HttpRequest& request, Deadline deadline) = 0;
  // Appends at least one byte to `into`, or false: the answer has ended properly.
  [[nodiscard]] virtual Result<bool> read(std::string& into, Deadline deadline) = 0;

  [[nodiscard]] virtual Progress progress() const = 0;  // of the last exchange or begin
  // Ends what runs with kUnavailable, and all that comes.
  virtual void interrupt() = 0;
};

}  // namespace conntruth::kube
