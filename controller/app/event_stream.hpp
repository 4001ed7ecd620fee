#pragma once
// Server-sent events as bytes that arrive in pieces of any size. Source: WHATWG HTML, server-sent events; of it what
// our own server writes: id, event, data of one line, comments. Threading: one thread.

#include <optional>
#include <string>

namespace conntruth::app {

class EventStreamReader {
 public:
  struct Event {
    std::string id;
    std::string type;
    std::string data;
  };
  // Append what arrives here, then take events until there is none.
  [[nodiscard]] std::string& input() { return buffer_; }
  [[nodiscard]] std::optional<Event> next();
  void forget() { buffer_.clear(); }  // half an event of a stream that was cut

 private:
  std::string buffer_;
};

}  // namespace conntruth::app
