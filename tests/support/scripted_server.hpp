#pragma once
// An HTTP/1.1 server on loopback, plain or over TLS, that answers what a test tells it to, down to the byte at which an
// answer is cut. A thread per connection; handlers run on them, several at once.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/certificates.hpp"

namespace conntruth::tests {

struct ServedRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  [[nodiscard]] std::string query(const std::string& key) const;  // as it stands in the target; "" where absent
  [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
};

// Every field has an initializer, so that tests may name just the ones they set.
// NOLINTBEGIN(readability-redundant-member-init)
struct Answer {
  unsigned status = 200;
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
  bool stream = false;      // chunked, one chunk per line
  bool stays_open = false;  // a stream that does not end; the connection stays until the client or stop() closes it
  // Of all bytes of the answer, its head included, only the first so many; then the connection ends.
  std::optional<std::size_t> cut{};
  bool no_answer = false;  // nothing comes, the connection stays
  bool closes = false;     // after this answer, without having said so

  [[nodiscard]] std::string bytes() const;
};
// NOLINTEND(readability-redundant-member-init)

class ScriptedServer {
 public:
  using Handler = std::function<Answer(const ServedRequest&)>;
  explicit ScriptedServer(Handler handler, std::optional<Certificate> certificate = std::nullopt);
  ~ScriptedServer();  // ends every connection
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] unsigned short port() const;
  [[nodiscard]] std::size_t connections() const;  // accepted so far
  [[nodiscard]] std::vector<ServedRequest> requests() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace conntruth::tests
