#include "tests/support/fake_wire.hpp"

#include <algorithm>

namespace conntruth::support {

struct FakeWire::Stream {
  session::LinkEvents* agent = nullptr;  // none once the agent's end is gone
  std::shared_ptr<fleet::Connection> controller;
  std::deque<std::string> to_controller;
  std::deque<std::string> to_agent;
  bool paused = false;
  bool finishing = false;  // by the controller
  bool cut = false;
  bool busy_with_agent = false;  // an event of it runs right now
};

class FakeWire::AgentEnd : public session::Link {
 public:
  AgentEnd(FakeWire& wire, std::shared_ptr<Stream> stream) : wire_(wire), stream_(std::move(stream)) {}
  ~AgentEnd() override {
    std::unique_lock lock(wire_.mutex_);
    stream_->cut = true;
    stream_->agent = nullptr;
    wire_.changed_.notify_all();
    wire_.changed_.wait(lock, [this] { return !stream_->busy_with_agent; });
  }
  void send(std::string bytes) override {
    const std::lock_guard lock(wire_.mutex_);
    stream_->to_controller.push_back(std::move(bytes));
    wire_.changed_.notify_all();
  }

 private:
  FakeWire& wire_;
  std::shared_ptr<Stream> stream_;
};

class FakeWire::ControllerEnd : public fleet::Connection {
 public:
  ControllerEnd(FakeWire& wire, std::weak_ptr<Stream> stream) : wire_(wire), stream_(std::move(stream)) {}
  void send(std::string bytes) override {
    change([&bytes](Stream& stream) {
      if (!stream.finishing) stream.to_agent.push_back(std::move(bytes));
    });
  }
  void finish() override {
    change([](Stream& stream) { stream.finishing = true; });
  }
  void resume_reading() override {
    change([](Stream& stream) { stream.paused = false; });
  }

 private:
  void change(const std::function<void(Stream&)>& action) {
    const std::lock_guard lock(wire_.mutex_);
    if (const auto stream = stream_.lock()) action(*stream);
    wire_.changed_.notify_all();
  }
  FakeWire& wire_;
  std::weak_ptr<Stream> stream_;
};

class FakeWire::FakeListener : public fleet::Listener {
 public:
  explicit FakeListener(FakeWire& wire) : wire_(wire) {}
  ~FakeListener() override { shutdown(); }
  void shutdown() override {
    std::unique_lock lock(wire_.mutex_);
    for (const auto& stream : wire_.streams_) {
      stream->finishing = true;
      stream->cut = stream->cut || wire_.silent_;
    }
    wire_.changed_.notify_all();
    wire_.changed_.wait(lock, [this] { return wire_.streams_.empty(); });
    wire_.fleet_ = nullptr;
  }

 private:
  FakeWire& wire_;
};

FakeWire::FakeWire() : thread_([this] { deliver_all(); }) {}

FakeWire::~FakeWire() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void FakeWire::set_script(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

void FakeWire::silence(bool on) {
  std::unique_lock lock(mutex_);
  silent_ = on;
  changed_.notify_all();
  changed_.wait(lock, [this] {
    return std::ranges::none_of(streams_, [](const auto& stream) { return stream->busy_with_agent; });
  });
}

void FakeWire::refuse(bool on) {
  const std::lock_guard lock(mutex_);
  refusing_ = on;
}

void FakeWire::cut_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& stream : streams_) stream->cut = true;
  changed_.notify_all();
}

std::uint64_t FakeWire::connects() const {
  const std::lock_guard lock(mutex_);
  return connects_;
}

std::unique_ptr<session::Link> FakeWire::connect(session::LinkEvents& events) {
  auto stream = std::make_shared<Stream>();
  stream->agent = &events;
  stream->controller = std::make_shared<ControllerEnd>(*this, stream);
  const std::lock_guard lock(mutex_);
  ++connects_;
  stream->cut = refusing_ || fleet_ == nullptr;
  streams_.push_back(stream);
  changed_.notify_all();
  return std::make_unique<AgentEnd>(*this, stream);
}

Result<std::unique_ptr<fleet::Listener>> FakeWire::listen(const std::string&, fleet::ConnectionEvents& events) {
  const std::lock_guard lock(mutex_);
  fleet_ = &events;
  return std::make_unique<FakeListener>(*this);
}

void FakeWire::deliver_all() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (!deliver_one(lock)) changed_.wait(lock);
  }
}

bool FakeWire::deliver_one(std::unique_lock<std::mutex>& lock) {
  const auto streams = streams_;
  return std::ranges::any_of(streams, [&](const auto& stream) {
    if (stream->cut) {
      cut(lock, stream);
      return true;
    }
    if (silent_) return false;
    if (!stream->to_agent.empty()) return deliver(lock, stream, Direction::kToAgent);
    if (stream->finishing) {
      cut(lock, stream);
      return true;
    }
    return !stream->paused && !stream->to_controller.empty() && deliver(lock, stream, Direction::kToController);
  });
}

bool FakeWire::deliver(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Stream>& stream, Direction direction) {
  auto& queue = direction == Direction::kToAgent ? stream->to_agent : stream->to_controller;
  const auto bytes = std::move(queue.front());
  queue.pop_front();
  const auto fate = script_(direction, indices_[static_cast<int>(direction)]++, bytes);
  for (int times = fate == Fate::kTwice ? 2 : 1; times > 0 && fate != Fate::kCutBefore; --times) {
    if (direction == Direction::kToAgent) {
      auto* agent = stream->agent;
      if (agent == nullptr) break;
      stream->busy_with_agent = true;
      lock.unlock();
      agent->message(bytes);
      lock.lock();
      stream->busy_with_agent = false;
      changed_.notify_all();
    } else if (fleet_ != nullptr) {
      auto* fleet = fleet_;
      // Paused before it is told, so that a resume that comes at once is not lost.
      stream->paused = true;
      lock.unlock();
      const bool read_on = fleet->message(stream->controller, bytes);
      lock.lock();
      if (read_on) stream->paused = false;
    }
  }
  if (fate == Fate::kCutBefore || fate == Fate::kCutAfter) stream->cut = true;
  return true;
}

void FakeWire::cut(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Stream>& stream) {
  auto* fleet = fleet_;
  auto* agent = stream->agent;
  stream->busy_with_agent = agent != nullptr;
  lock.unlock();
  if (fleet != nullptr) fleet->closed(stream->controller, "cut");
  if (agent != nullptr) agent->closed("cut");
  lock.lock();
  stream->busy_with_agent = false;
  std::erase(streams_, stream);
  changed_.notify_all();
}

}  // namespace conntruth::support
