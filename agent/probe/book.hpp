#pragma once
// The book of one place: which probes are in flight, and how each one ended. Turns endings into samples, batches them
// per assignment, and says when tasks and assignments are over. No sockets but closing those of ended flights.
// Threading: the place's thread.

#include <string>
#include <string_view>
#include <vector>

#include "agent/io/losses.hpp"
#include "agent/probe/answer_window.hpp"
#include "agent/probe/deadlines.hpp"
#include "agent/probe/engine.hpp"
#include "agent/probe/flight_table.hpp"
#include "agent/probe/task_state.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::probe {

// Counts `tasks` finished ones of an assignment, `busy` of which were not quiet before, and reports it where they were
// the last, or the last busy ones.
void finish_tasks(Sink& sink, AssignmentState& assignment, std::size_t tasks, std::size_t busy);

// Ends a task that cannot run: a tool error for every probe of it.
void refuse_task(Sink& sink, const std::shared_ptr<AssignmentState>& assignment, const ProbeTask& task,
                 const std::string& reason, std::int64_t now_ns, std::size_t batch);

class Book {
 public:
  Book(std::size_t window, std::size_t awaited, std::size_t batch, std::int64_t flush_ns, Sink& sink,
       io::LossCounters& losses);
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;
  ~Book();  // closes the flights' sockets

  // How many probes may be opened now.
  [[nodiscard]] std::size_t room(std::int64_t now_ns);
  Flight& open(TaskState& task, ProbeId id, std::uint16_t source_port, std::int64_t now_ns);
  [[nodiscard]] Flight* find(ProbeId id) { return flights_.find(id); }
  void for_each(const std::function<void(Flight&)>& visit) { flights_.for_each(visit); }

  // Each ends a flight; the reference is invalid afterwards.
  void replied(Flight& flight, const wire::Identity& identity, std::int64_t now_ns);
  void replied(Flight& flight, const HttpAnswer& answer, std::int64_t now_ns);
  void replied(Flight& flight, NameAnswer answer, std::int64_t now_ns);
  void refused(Flight& flight, const Refusal& refusal, std::int64_t now_ns);
  void failed(Flight& flight, std::string_view reason, std::int64_t now_ns);
  // A probe that could not even be opened.
  void failed(TaskState& task, ProbeId id, std::string_view reason, std::int64_t now_ns);
  void expire(std::int64_t now_ns);

  void unidentified(Flight& flight);                   // accepted without identity: stays in flight until its deadline
  void stray_answer(ProbeId id, std::int64_t now_ns);  // valid, without a flight: late, repeated or unknown

  void begin(TaskState& task);  // before its first probe
  // Tasks that ended since the last call, for the caller to forget.
  [[nodiscard]] std::vector<TaskState*> take_finished() { return std::exchange(finished_, {}); }
  // Tasks with one probe at a time whose probe has ended.
  [[nodiscard]] std::vector<TaskState*> take_rested() { return std::exchange(rested_, {}); }
  // No further turn until it is answered, or for half its timeout; it then is among the rested ones.
  void hold(TaskState& task);
  void release_silent(std::int64_t now_ns);

  // Its last probe is sent: it may become quiet.
  // One whose last probe ended as it was sent is over already.
  void sent_all(TaskState& task) {
    if (!task.finished()) sent_.push_back(&task);
  }
  void notice_quiet(std::int64_t now_ns);

  void flush(std::int64_t now_ns);             // batches that are old, or whose last task here has ended
  [[nodiscard]] std::int64_t next_ns() const;  // the next deadline or flush
  [[nodiscard]] std::int64_t next_room_ns() const { return young_.next_ns(); }
  [[nodiscard]] std::size_t in_flight() const { return flights_.size(); }

 private:
  struct Outbox {
    std::shared_ptr<AssignmentState> assignment;
    std::vector<Sample> samples;
    std::vector<std::uint32_t> ended;  // task ids to report behind the samples
    std::size_t ended_busy = 0;        // those of them that were not quiet
    std::size_t open_tasks = 0;        // of this place
    std::int64_t first_ns = 0;
  };
  Sample& add_sample(TaskState& task, ProbeId id, Outcome outcome, std::int64_t now_ns);
  Sample& end(Flight& flight, Outcome outcome, std::int64_t now_ns);
  void tell_foreign(const Flight& flight, Outcome outcome);
  void settle(TaskState& task, bool wanted);  // as the task's until_... say
  void close(Flight& flight);
  void release(TaskState& task, Standing standing);
  void count_streak(TaskState& task, bool wanted);
  void withdraw(TaskState& task);
  [[nodiscard]] bool hush(const TaskState& task);
  void send_samples(Outbox& outbox);
  Outbox& outbox_of(TaskState& task);

  FlightTable flights_;
  EndedFlights ended_;
  Deadlines deadlines_;
  RecentFlights young_;    // a burst limit over all flights
  RecentFlights awaited_;  // counts against the window
  AnswerWindow window_;
  std::size_t young_limit_;
  std::int64_t late_until_ns_ = 0;
  std::vector<TaskState*> probation_;
  std::vector<TaskState*> sent_;  // all of their probes; may become quiet
  std::size_t batch_;
  std::int64_t flush_ns_;
  Sink& sink_;
  io::LossCounters& losses_;
  std::vector<Outbox> outboxes_;
  std::vector<TaskState*> finished_;
  std::vector<TaskState*> rested_;
};

}  // namespace conntruth::probe
