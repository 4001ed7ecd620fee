#pragma once
// One place at work: a thread that has entered the place's network namespace and sends, receives and expires there.

#include <memory>
#include <mutex>
#include <thread>

#include "agent/io/clock.hpp"
#include "agent/probe/budget.hpp"
#include "agent/probe/engine.hpp"
#include "agent/probe/prober.hpp"
#include "agent/probe/turn_queue.hpp"

namespace conntruth::probe {

// What the places of an engine share. Outlives them.
struct Shared {
  const EngineOptions& options;
  Sink& sink;
  Budget& budget;
  const io::Clock& clock;
  io::LossCounters& losses;
  std::int64_t start_ns;  // when the engine started
};

class Place {
 public:
  Place(NamespaceName name, std::string path, const Shared& shared);
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place();  // ends the thread

  [[nodiscard]] Status start();
  void add(std::unique_ptr<TaskState> task);  // any thread

 private:
  class Loop;  // lives on the thread
  void run();
  [[nodiscard]] bool stopping();

  NamespaceName name_;
  std::string path_;
  const Shared& shared_;
  std::optional<io::Wakeup> wakeup_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<TaskState>> inbox_;  // guarded
  bool stop_ = false;                              // guarded
  std::thread thread_;
};

}  // namespace conntruth::probe
