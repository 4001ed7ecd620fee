#pragma once
// A client of a scripted server, and what its reflectors delivered.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kube/client.hpp"
#include "kube/reflector.hpp"
#include "tests/support/loopback_access.hpp"
#include "tests/support/scripted_server.hpp"

namespace conntruth::kube {

inline Access plain(const tests::ScriptedServer& server) { return tests::loopback_access(server.port()); }

inline ClientOptions fast() {
  ClientOptions options;
  options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(4), {}};
  return options;
}

inline std::unique_ptr<Client> client_of(Access access, ClientOptions options = fast()) {
  auto client = Client::make(std::move(access), std::move(options));
  return client ? std::move(*client) : nullptr;
}

// Events as short texts: "+default/a@5", "~default/a@6", "-default/a@7", "synced"; troubles apart.
class Recorder {
 public:
  [[nodiscard]] ReflectorHandlers handlers() {
    return {[this](const ObjectEvent& event) {
              static constexpr std::string_view kSigns = "+~-";
              add(kSigns[static_cast<std::size_t>(event.kind)] + event.key + "@" + event.version);
            },
            [this] { add("synced"); },
            [this](const Error& error) {
              const std::lock_guard lock(mutex_);
              troubles_.push_back(error.message);
              changed_.notify_all();
            }};
  }

  // All that came until `enough` held; false inside of ten seconds is a failed test by its result.
  std::vector<std::string> wait(const std::function<bool(const std::vector<std::string>&)>& enough) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return enough(events_); });
    return events_;
  }
  std::vector<std::string> wait_for(const std::string& last) {
    return wait([&](const auto& events) { return !events.empty() && events.back() == last; });
  }
  std::vector<std::string> wait_for_trouble() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return !troubles_.empty(); });
    return troubles_;
  }

 private:
  void add(std::string text) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(text));
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> events_;
  std::vector<std::string> troubles_;
};

}  // namespace conntruth::kube
