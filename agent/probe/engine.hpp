#pragma once
// The probe engine: carries out the tasks of assignments from the network namespaces of one node.
//
// One thread per place (network namespace), started when the first task names the place; it enters the namespace once
// and runs an epoll loop. Tasks of a place take turns, one probe each, so that all cells progress together. Every probe
// of every task ends in exactly one Sample; nothing is silent.
//
// What becomes which Outcome (all methods):
//   replied      a valid answer for this id from the probed address before the deadline
//   refused      ICMP destination unreachable, time exceeded or parameter problem that quotes this probe (not
//                "fragmentation needed"); RST; SCTP ABORT. A reject rule in the output hook is one too: its ICMP
//                arrives
//   timed-out    nothing until the deadline. EPERM on send is a drop rule in the output hook: the probe waits for its
//                deadline like any other (a reject rule also gives EPERM and then its ICMP). A connection that was
//                accepted and gave no identity is timed out as well; Sample.error says so
//   tool-error   target unspecified or port 0, unknown place, missing family, no route (ENETUNREACH, EHOSTUNREACH and
//                EINVAL of the local routing table: no packet left), no descriptor or port left, engine stopped. Those
//                known before sending end every probe of the task at once
// Late, duplicate, unknown and forged answers are counted (losses()) and never a result.
//
// Method notes: tcp-syn over IPv6 leaves seen_destination unspecified (TCP options have no room for it).
// A place's UDP ports of that range may be taken while it sends udp-crafted probes: choose responder ports and ports
// that must be closed outside of 10000..29999. When until_count is reached, what the task has in flight is withdrawn
// (counted as "withdrawn-probe"): no sample. A task with source_port and tcp-socket has one probe in flight at a time
// (one 5-tuple is one connection). Crafted source ports are 10000..29999, a new one per probe and target; they walk on
// with time, so that a run does not meet the conntrack entries of the run before.
//
// Threading: every public function may be called from any thread. Sink functions are called from the place threads
// (several at once) or, for tasks that cannot run at all, from within submit().

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/probe/answer_window.hpp"
#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::probe {

// Where results go. Functions must not block for long (a place's answers wait meanwhile) and must not call the engine.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  // At most EngineOptions::batch samples, at the latest EngineOptions::flush after the first of them ended.
  virtual void samples(std::uint64_t assignment, std::vector<Sample> batch) = 0;
  // After the last sample of a task; earlier than `count` samples where `until_count` was reached.
  virtual void task_finished(std::uint64_t assignment, std::uint32_t task) = 0;
  // After the last sample of the last task, and at once for an assignment without tasks. Not called after stop().
  virtual void assignment_finished(std::uint64_t assignment) = 0;
  // Every task of the assignment that is still open is quiet, see TaskState::may_be_quiet(); at most once.
  virtual void assignment_quiet(std::uint64_t /*assignment*/) {}
  // A foreign probe was answered, or nothing came of it: the flow as it was sent. Before its sample.
  virtual void foreign_ended(const FlowQuestion& /*flow*/) {}
  // True: no new probe is started until it is false again (asked every few milliseconds). This is what bounds a queue.
  [[nodiscard]] virtual bool congested() const { return false; }
};

struct EngineOptions {
  std::map<NamespaceName, std::string> places;  // name → path of the network namespace; "" (the agent's own) is implied
  std::uint32_t budget = 100'000;               // probes per second of the whole agent, 1..
  std::uint32_t window = 4096;                  // probes in flight per place, 1..65536; less where the
                                                // descriptor limit leaves less for each
  std::uint32_t awaited = AnswerWindow::kMost;  // answers that a place awaits at a time, AnswerWindow::kLeast..kMost
  std::uint32_t batch = 512;                    // samples per Sink::samples call
  std::chrono::milliseconds flush{20};
  // Called once per place before the first sctp-init task there. An open SCTP raw socket silences the kernel's
  // "protocol unreachable", so somebody has to refuse: pass Responders::guard_sctp.
  std::function<Status(const NamespaceName&)> guard_sctp;
};

class Engine {
 public:
  Engine(EngineOptions options, Sink& sink);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();  // stop()

  // Raises the process's descriptor limit as far as it may. kInvalidInput for options out of range.
  [[nodiscard]] Status start();
  // One more place; a name that is known already is left as it is.
  void add_place(const NamespaceName& name, const std::string& path);
  // Takes the tasks of an assignment; its responders are the caller's affair (respond::Responders, before this call).
  void submit(const Assignment& assignment);
  // Ends all threads; unfinished probes are not reported. Idempotent.
  void stop();

  [[nodiscard]] std::vector<LossCounter> losses() const;         // totals since start(), without zeros, sorted by name
  [[nodiscard]] static std::vector<std::string> capabilities();  // methods and "ipv6" that work here; for Hello

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace conntruth::probe
