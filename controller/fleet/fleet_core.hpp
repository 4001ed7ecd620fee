#pragma once
// What the fleet knows about its agents, under one lock: sessions, leases, sequences, unfinished assignments, events.
// Inside this room only.
//
// Lock order: Core's mutex, then a connection's own. Connections never call in while they hold theirs.

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "common/codec/session_codec.hpp"
#include "controller/fleet/fleet.hpp"
#include "controller/fleet/listener.hpp"

namespace conntruth::fleet {

class Fleet::Core : public ConnectionEvents {
 public:
  Core(FleetOptions options, ListenerFactory factory);
  ~Core() override;

  [[nodiscard]] Status listen(const std::string& target);
  [[nodiscard]] std::optional<Event> next(TimePoint deadline);
  void wake();
  [[nodiscard]] Status assign(const std::string& name, const Assignment& assignment);
  void acknowledge(const std::string& name, std::uint64_t sequence);
  void stop(const std::string& reason);
  [[nodiscard]] std::vector<std::string> agents() const;
  [[nodiscard]] FleetCounters counters() const;
  [[nodiscard]] std::map<std::string, std::string> refusals() const;

  [[nodiscard]] bool message(const std::shared_ptr<Connection>& connection, std::string bytes) override;
  void closed(const std::shared_ptr<Connection>& connection, const std::string& why) override;

 private:
  using ConnectionRef = std::shared_ptr<Connection>;

  struct Agent {
    std::string session;
    ConnectionRef connection;  // none while it is cut off
    TimePoint heard;           // last message; while cut off: when the stream ended
    std::string cut_why;
    std::uint64_t received = 0;                       // highest batch in our hands
    std::uint64_t acknowledged = 0;                   // highest batch in the store
    std::map<std::uint64_t, std::string> unfinished;  // assignment id to its encoded message
  };

  // An agent whose token is being looked at.
  struct Applicant {
    ConnectionRef connection;
    Hello hello;
  };

  // On a thread of ours: asks options_.admit about one applicant after the other, without the lock.
  void admit_applicants();

  // All below: with the lock held.
  void greet(const ConnectionRef& connection, const Hello& hello);
  void examine(const ConnectionRef& connection, const Hello& hello);
  void decide(const Applicant& applicant, const Status& admitted);
  void accept(const ConnectionRef& connection, const Hello& hello);
  void refuse_agent(const ConnectionRef& connection, const std::string& node, const std::string& why,
                    std::uint64_t& counter);
  [[nodiscard]] static bool is_same_agent(const Agent& agent, const Hello& hello);
  void join(const ConnectionRef& connection, const Hello& hello);
  void resume(Agent& agent, const ConnectionRef& connection, const std::string& name);
  void take_batch(Agent& agent, const std::string& name, ResultBatch&& batch, std::string&& bytes);
  void refuse(const ConnectionRef& connection, const std::string& why);
  void release(const ConnectionRef& connection);
  void lose(const std::string& name, const std::string& why);
  [[nodiscard]] TimePoint expiry(const Agent& agent) const;
  void expire(TimePoint now);
  [[nodiscard]] TimePoint next_expiry() const;
  [[nodiscard]] std::vector<ConnectionRef> take_resumable();
  void push(Event event);
  [[nodiscard]] static std::string encode(const codec::ControllerMessage& message) { return codec::encode(message); }

  const FleetOptions options_;
  const ListenerFactory factory_;
  const std::string session_prefix_;
  std::unique_ptr<Listener> listener_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable applied_;
  std::deque<Event> events_;  // "fleet-events"
  std::map<std::string, Agent> agents_;
  std::map<Connection*, std::string> owners_;  // whose stream it is, from its Hello on
  std::set<ConnectionRef> paused_;             // not read on until the queue has room
  std::set<Connection*> ended_;                // we ended them: what still comes from them is void
  std::deque<Applicant> applicants_;           // "fleet-applicants"
  std::set<Connection*> examined_;             // said hello; not decided yet
  std::vector<std::thread> examiners_;
  std::map<std::string, std::string> refusals_;  // by node
  std::uint64_t sessions_ = 0;
  std::optional<TimePoint> checked_;  // when leases were last looked at
  bool stopping_ = false;
  bool woken_ = false;
  FleetCounters counters_;
};

}  // namespace conntruth::fleet
