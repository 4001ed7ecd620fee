#pragma once
// A stream between sessions and a fleet without gRPC: both ends in one process, messages delivered in order by one
// thread. A script decides about each message of either direction: deliver, deliver twice, or cut the stream instead of
// (or after) delivering it. silence() keeps every stream open and delivers nothing.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/session/transport.hpp"
#include "controller/fleet/listener.hpp"

namespace conntruth::support {

enum class Fate : std::uint8_t { kDeliver, kTwice, kCutBefore, kCutAfter };
enum class Direction : std::uint8_t { kToController, kToAgent };

class FakeWire : public session::Transport {
 public:
  // `index` counts the messages of that direction over all streams, from 0.
  using Script = std::function<Fate(Direction direction, std::uint64_t index, const std::string& bytes)>;

  FakeWire();
  ~FakeWire() override;

  void set_script(Script script);
  void silence(bool on);  // streams stay open, nothing passes; returns once what was being delivered has arrived
  void refuse(bool on);   // connecting fails
  void cut_all();
  [[nodiscard]] std::uint64_t connects() const;

  [[nodiscard]] std::unique_ptr<session::Link> connect(session::LinkEvents& events) override;
  // For Fleet: its listener lives in the wire.
  [[nodiscard]] Result<std::unique_ptr<fleet::Listener>> listen(const std::string&, fleet::ConnectionEvents& events);

 private:
  struct Stream;
  class AgentEnd;
  class ControllerEnd;
  class FakeListener;

  void deliver_all();
  [[nodiscard]] bool deliver_one(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool deliver(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Stream>& stream,
                             Direction direction);
  void cut(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Stream>& stream);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Script script_ = [](Direction, std::uint64_t, const std::string&) { return Fate::kDeliver; };
  std::vector<std::shared_ptr<Stream>> streams_;
  fleet::ConnectionEvents* fleet_ = nullptr;
  std::uint64_t indices_[2] = {0, 0};
  std::uint64_t connects_ = 0;
  bool silent_ = false;
  bool refusing_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace conntruth::support
