#pragma once
// List and watch of one resource, kept up for as long as it runs, on one thread.
//
// Survives: a watch that is cut at any byte (goes on from the last version it saw whole), a server that ends it in
// time, silence (`idle`), 410 Gone as status and as an event inside of a stream (lists again and delivers the
// difference, not a storm), error events, lines beyond `max_line`, 401, 403, 429, 5xx and refused connections (backoff,
// reported). Each event is delivered once and in order; what a cut hid is delivered as the difference of a new list.
// Only an object that came and went between two lists stays unseen: `relists` counts how often that can have been.
// Source: kubernetes.io/docs/reference/using-api/api-concepts#efficient-detection-of-changes.
// Threading: start() and stop() from one thread; the handlers run on the reflector's own; counters() from any.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kube/client.hpp"

namespace conntruth::kube {

struct ObjectEvent {
  enum class Kind : std::uint8_t { kAdded, kModified, kDeleted };
  Kind kind = Kind::kAdded;
  std::string key;          // "namespace/name", or "name" for resources without namespace
  std::string version;      // metadata.resourceVersion; opaque
  std::string_view object;  // JSON, valid during the call; kDeleted: the last state, or "" where only a list showed it
};

struct ReflectorHandlers {
  std::function<void(const ObjectEvent&)> on_event;
  std::function<void()> on_synced;               // after every complete list: all that it has was delivered
  std::function<void(const Error&)> on_trouble;  // before each backoff; the reflector goes on by itself
};

// Every field has an initializer, so that callers may name just the ones they set.
// NOLINTBEGIN(readability-redundant-member-init)
struct ReflectorOptions {
  std::string namespace_name{};                   // "": all
  std::string selector{};                         // label selector
  std::string field_selector{};                   // "metadata.name=x", where a right is for one name only
  std::uint32_t page = 500;                       // objects per list request
  std::chrono::seconds server_timeout{240};       // after which the server ends a watch by itself
  std::chrono::milliseconds idle{270000};         // without a byte: the connection is taken for dead
  std::chrono::milliseconds list_timeout{60000};  // of one page
  std::size_t max_line = std::size_t{16} << 20U;
};
// NOLINTEND(readability-redundant-member-init)

struct ReflectorCounters {
  std::uint64_t relists = 0;     // after the first list
  std::uint64_t watches = 0;     // opened
  std::uint64_t cuts = 0;        // watches that did not end properly
  std::uint64_t half_lines = 0;  // bytes of an unfinished line thrown away (they come again), counted in lines
  std::uint64_t long_lines = 0;
  std::uint64_t bad_lines = 0;  // not understood; a list follows
  std::uint64_t gone = 0;       // 410, in either form
  std::uint64_t bookmarks = 0;
  std::uint64_t duplicates = 0;  // events not delivered again
  std::uint64_t events = 0;      // delivered
};

class Reflector {
 public:
  Reflector(Client& client, const Resource& resource, ReflectorOptions options, ReflectorHandlers handlers);
  ~Reflector();  // stops
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  void start();
  void stop();  // returns when no handler runs any more; not from a handler
  [[nodiscard]] ReflectorCounters counters() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace conntruth::kube
