#pragma once
// One agent's session with the controller: hello, lease, assignments in, results out, resuming after a cut.
//
// Lease: when the controller is not heard for longer than the lease it gave, the session is void: the worker abandons
// everything (no probes, no responders), unsent results are forgotten and counted, and the next hello starts anew.
// Cut within the lease: reconnects with a growing back-off and the same session, sends again what was not acknowledged.
// Lost for good: when nothing was heard for `give_up_after`, run() ends with kUnavailable, so that no agent outlives
// its run. Refused by the controller (other version): run() ends with kUnsupported and the controller's words.
//
// Threading: run() on one thread; request_stop(), sink() and counters() from any. Messages wait in one bounded queue
// ("session-inbox"); a controller that overfills it is cut off.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "agent/session/spool.hpp"
#include "agent/session/transport.hpp"
#include "agent/session/worker.hpp"
#include "common/codec/session_codec.hpp"

namespace conntruth::session {

struct SessionOptions {
  Hello hello;  // session and acknowledged are filled in here
  SpoolOptions spool;
  std::chrono::milliseconds first_back_off{20};  // doubles up to longest_back_off
  std::chrono::milliseconds longest_back_off{1'000};
  std::chrono::milliseconds welcome_within{5'000};  // of connecting, else it tries again
  std::chrono::milliseconds give_up_after{30'000};
  std::size_t inbox_capacity = 4096;                                        // messages
  std::function<void(const std::string&)> log = [](const std::string&) {};  // turning points, one line each
  Clock now = [] { return std::chrono::steady_clock::now(); };
};

class Session : private LinkEvents {
 public:
  Session(SessionOptions options, Transport& transport);
  ~Session() override;

  // For the worker; lives as long as the session.
  [[nodiscard]] ResultSink& sink() { return spool_; }
  // Returns when the controller says stop, on request_stop() (both ok), or with why it ended. The worker has abandoned
  // everything by then. Once per Session.
  [[nodiscard]] Status run(Worker& worker);
  void request_stop();
  // Losses of the session itself: "batches-forgotten", "sights-dropped", "hops-dropped", "rules-dropped",
  // "entries-dropped", "rulesets-dropped"; and "batches-resent", "reconnects".
  [[nodiscard]] std::vector<LossCounter> counters() const;

 private:
  struct Closed {
    std::string why;
  };
  using Incoming = std::variant<std::string, Closed>;
  enum class Phase : std::uint8_t { kCut, kGreeting, kConnected };

  void message(std::string bytes) override;
  void closed(const std::string& why) override;
  void post(Incoming incoming);  // under mutex_

  // All below: on run()'s thread.
  [[nodiscard]] std::deque<Incoming> wait_for_events();
  void handle(Incoming incoming);
  void handle_message(const std::string& bytes);
  void welcome(const codec::Welcome& welcome);
  void assign(const Assignment& assignment);
  void cut(const std::string& why);
  void connect();
  void check_times();
  void send_due();
  void forget_session();
  [[nodiscard]] TimePoint last_heard() const;
  [[nodiscard]] TimePoint next_deadline() const;
  void end(Status status) {
    if (!ended_) ended_ = std::move(status);
  }

  const SessionOptions options_;
  Transport& transport_;
  Spool spool_;
  Worker* worker_ = nullptr;

  mutable std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Incoming> inbox_;
  TimePoint heard_;  // arrival of the controller's last message, or the start
  bool woken_ = false;
  bool stop_requested_ = false;
  bool overflow_ = false;
  std::uint64_t reconnects_ = 0;

  Phase phase_ = Phase::kCut;
  std::optional<Status> ended_;
  std::string session_;  // "" where there is none
  std::chrono::milliseconds lease_{0};
  std::set<std::uint64_t> assignments_;  // of this session, so that one that is sent again is not done again
  std::chrono::milliseconds back_off_;
  std::string last_cut_ = "it was never reached";
  TimePoint phase_end_;  // kCut: next attempt; kGreeting: no welcome until then is a cut; kConnected: next heartbeat
  std::unique_ptr<Link> link_;
};

}  // namespace conntruth::session
