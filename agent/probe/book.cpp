#include "agent/probe/book.hpp"

#include <unistd.h>

#include <algorithm>

namespace conntruth::probe {

namespace {

// A burst must fit into the queues on its way.
constexpr std::size_t kYoungLimit = 512;
constexpr std::int64_t kYoungTickNs = 10'000'000;
// A lost probe gives its share of the window of awaited answers back after one to two ticks.
constexpr std::int64_t kAwaitedTickNs = 200'000'000;
// For so long after a late answer silence may be lateness.
constexpr std::int64_t kLateNs = 2'000'000'000;

}  // namespace

namespace {

void leave_busy(Sink& sink, AssignmentState& assignment, std::size_t tasks, std::size_t ending) {
  if (tasks == 0 || assignment.busy_tasks.fetch_sub(tasks) != tasks) return;
  if (assignment.open_tasks.load() > ending) sink.assignment_quiet(assignment.id);
}

}  // namespace

void finish_tasks(Sink& sink, AssignmentState& assignment, std::size_t tasks, std::size_t busy) {
  leave_busy(sink, assignment, busy, tasks);
  if (tasks > 0 && assignment.open_tasks.fetch_sub(tasks) == tasks) sink.assignment_finished(assignment.id);
}

void refuse_task(Sink& sink, const std::shared_ptr<AssignmentState>& assignment, const ProbeTask& task,
                 const std::string& reason, std::int64_t now_ns, std::size_t batch) {
  for (std::uint32_t from = 0; from < task.count;) {
    const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(batch, task.count - from));
    std::vector<Sample> samples(size);
    for (auto& sample : samples) {
      sample.id = probe_id(task.id, from++);
      sample.sent_ns = now_ns;
      sample.error = reason;
    }
    sink.samples(assignment->id, std::move(samples));
  }
  sink.task_finished(assignment->id, task.id);
  finish_tasks(sink, *assignment, 1, 1);
}

Book::Book(std::size_t window, std::size_t awaited, std::size_t batch, std::int64_t flush_ns, Sink& sink,
           io::LossCounters& losses)
    : flights_(window),
      young_(kYoungTickNs),
      awaited_(kAwaitedTickNs),
      window_(awaited),
      young_limit_(std::min(kYoungLimit, 2 * awaited)),
      batch_(batch),
      flush_ns_(flush_ns),
      sink_(sink),
      losses_(losses) {}

Book::~Book() {
  flights_.for_each([](Flight& flight) {
    if (flight.fd >= 0) ::close(flight.fd);
  });
}

std::size_t Book::room(std::int64_t now_ns) {
  const auto young = young_.count(now_ns);
  const auto awaited = awaited_.count(now_ns);
  if (young >= young_limit_ || awaited >= window_.size()) return 0;
  return std::min({flights_.capacity() - flights_.size(), young_limit_ - young, window_.size() - awaited});
}

Flight& Book::open(TaskState& task, ProbeId id, std::uint16_t source_port, std::int64_t now_ns) {
  auto& flight = flights_.insert(id);
  flight.task = &task;
  flight.sent_ns = now_ns;
  flight.source_port = source_port;
  if (task.next <= 1) task.first_ns = now_ns;
  task.last_ns = now_ns;
  ++task.in_flight;
  young_.opened(now_ns);
  flight.awaited = task.standing == Standing::kAnswering;
  if (flight.awaited) awaited_.opened(now_ns);
  deadlines_.add(id, now_ns, std::chrono::nanoseconds(task.spec.timeout).count());
  return flight;
}

Book::Outbox& Book::outbox_of(TaskState& task) {
  const auto found = std::ranges::find(outboxes_, task.assignment, &Outbox::assignment);
  if (found != outboxes_.end()) return *found;
  return outboxes_.emplace_back(Outbox{task.assignment, {}, {}, 0, 0, 0});
}

Sample& Book::add_sample(TaskState& task, ProbeId id, Outcome outcome, std::int64_t now_ns) {
  auto& outbox = outbox_of(task);
  if (outbox.samples.size() >= batch_) send_samples(outbox);
  if (outbox.samples.empty()) {
    outbox.samples.reserve(batch_);
    outbox.first_ns = now_ns;
  }
  auto& sample = outbox.samples.emplace_back();
  sample.id = id;
  sample.outcome = outcome;
  return sample;
}

// Adds the sample and removes the flight; the caller fills in what it knows beyond, then settles the task.
Sample& Book::end(Flight& flight, Outcome outcome, std::int64_t now_ns) {
  auto& sample = add_sample(*flight.task, flight.id, outcome, now_ns);
  sample.sent_ns = flight.sent_ns;
  sample.source_port = flight.source_port;
  if (outcome == Outcome::kReplied || outcome == Outcome::kRefused) {
    sample.round_trip_ns = now_ns - flight.sent_ns;
    window_.answered(flight.sent_ns, now_ns);
  }
  ended_.add(flight.id, outcome == Outcome::kTimedOut ? Ending::kExpired : Ending::kAnswered);
  if (flight.task->spec.foreign) tell_foreign(flight, outcome);
  close(flight);
  return sample;
}

// Connection tracking drops what a reset refuses, so that only of the others something is known.
void Book::tell_foreign(const Flight& flight, Outcome outcome) {
  if (outcome != Outcome::kReplied && outcome != Outcome::kTimedOut) return;
  const auto& task = *flight.task;
  sink_.foreign_ended({.id = flight.id,
                       .protocol = protocol_of(task.spec.method),
                       .source = {task.source, flight.source_port},
                       .destination = task.spec.target});
}

void Book::close(Flight& flight) {
  if (flight.fd >= 0) ::close(flight.fd);
  --flight.task->in_flight;
  young_.closed(flight.sent_ns);
  if (flight.awaited) awaited_.closed(flight.sent_ns);
  flights_.erase(flight.id);
}

void Book::hold(TaskState& task) {
  task.paused = true;
  probation_.push_back(&task);
}

void Book::release(TaskState& task, Standing standing) {
  task.standing = standing;
  task.unanswered = 0;
  if (!task.paused) return;
  task.paused = false;
  std::erase(probation_, &task);
  if (!task.all_sent()) rested_.push_back(&task);
}

void Book::release_silent(std::int64_t now_ns) {
  const auto overdue = [now_ns](const TaskState* task) {
    return task->first_ns + std::chrono::nanoseconds(task->spec.timeout).count() / 2 <= now_ns;
  };
  for (auto silent = std::ranges::find_if(probation_, overdue); silent != probation_.end();
       silent = std::ranges::find_if(probation_, overdue)) {
    release(**silent, Standing::kSilent);
  }
}

void Book::notice_quiet(std::int64_t now_ns) {
  std::vector<TaskState*> waiting;
  for (auto* task : std::exchange(sent_, {})) {
    if (!task->may_be_quiet()) continue;  // it will end like any other
    if (now_ns < task->quiet_ns()) {
      waiting.push_back(task);
    } else if (hush(*task)) {
      task->quiet = true;
      leave_busy(sink_, *task->assignment, 1, 0);
    }
  }
  sent_ = std::move(waiting);
}

// Whoever hears that a task is quiet may change the world. A kernel repeats a SYN after a second, and the world after
// must not answer that one, nor refuse it: the socket goes, and its probe runs out of time without it. False where one
// is connected, to something that says nothing.
bool Book::hush(const TaskState& task) {
  if (task.spec.method != Method::kTcpSocket) return true;
  bool silent = true;
  flights_.for_each([&](Flight& flight) {
    if (flight.task != &task || flight.fd < 0) return;
    silent = silent && !flight.connected;
    if (flight.connected) return;
    ::close(flight.fd);
    flight.fd = -1;
  });
  return silent;
}

void Book::replied(Flight& flight, const wire::Identity& identity, std::int64_t now_ns) {
  auto& task = *flight.task;
  release(task, Standing::kAnswering);
  auto& sample = end(flight, Outcome::kReplied, now_ns);
  sample.responder = identity.responder;
  sample.seen_source = identity.seen_source;
  sample.seen_destination = identity.seen_destination;
  const auto& wanted = task.spec.until_responders;
  settle(task, std::ranges::find(wanted, identity.responder) != wanted.end());
}

void Book::replied(Flight& flight, const HttpAnswer& answer, std::int64_t now_ns) {
  auto& task = *flight.task;
  release(task, Standing::kAnswering);
  end(flight, Outcome::kReplied, now_ns).http = answer;
  settle(task, false);
}

void Book::replied(Flight& flight, NameAnswer answer, std::int64_t now_ns) {
  auto& task = *flight.task;
  release(task, Standing::kAnswering);
  const bool wanted = answer == task.spec.until_name;
  end(flight, Outcome::kReplied, now_ns).name = std::move(answer);
  settle(task, wanted);
}

void Book::refused(Flight& flight, const Refusal& refusal, std::int64_t now_ns) {
  auto& task = *flight.task;
  release(task, Standing::kAnswering);
  end(flight, Outcome::kRefused, now_ns).refusal = refusal;
  settle(task, task.spec.until_refused);
}

void Book::failed(Flight& flight, std::string_view reason, std::int64_t now_ns) {
  auto& task = *flight.task;
  end(flight, Outcome::kToolError, now_ns).error = reason;
  settle(task, false);
}

void Book::failed(TaskState& task, ProbeId id, std::string_view reason, std::int64_t now_ns) {
  auto& sample = add_sample(task, id, Outcome::kToolError, now_ns);
  sample.sent_ns = now_ns;
  sample.error = reason;
  settle(task, false);
}

void Book::expire(std::int64_t now_ns) {
  while (const auto id = deadlines_.take(now_ns)) {
    auto* flight = flights_.find(*id);
    if (flight == nullptr) continue;
    auto& task = *flight->task;
    const bool unidentified = flight->unidentified;
    auto& sample = end(*flight, Outcome::kTimedOut, now_ns);
    if (unidentified) sample.error = "accepted by something that gave no identity";
    // Its endpoint has gone meanwhile: what else it has to send must not hold up everybody's answers.
    const bool silent = ++task.unanswered >= kSilentAfter && now_ns > late_until_ns_;
    if (silent && task.standing == Standing::kAnswering) task.standing = Standing::kSilent;
    settle(task, task.spec.until_timed_out);
  }
}

void Book::begin(TaskState& task) { ++outbox_of(task).open_tasks; }

void Book::settle(TaskState& task, bool wanted) {
  count_streak(task, wanted);
  if (task.paused && !task.on_probation()) release(task, task.standing);
  if (task.finished()) {
    auto& outbox = outbox_of(task);
    outbox.ended.push_back(task.spec.id);
    outbox.ended_busy += task.quiet ? 0 : 1;
    --outbox.open_tasks;
    std::erase(sent_, &task);
    finished_.push_back(&task);
  } else if (task.one_at_a_time && !task.all_sent()) {
    rested_.push_back(&task);
  }
}

void Book::send_samples(Outbox& outbox) {
  if (outbox.samples.empty()) return;
  sink_.samples(outbox.assignment->id, std::exchange(outbox.samples, {}));
}

void Book::flush(std::int64_t now_ns) {
  for (auto& outbox : outboxes_) {
    const bool news = !outbox.samples.empty() || !outbox.ended.empty();
    if (outbox.open_tasks > 0 && (!news || now_ns < outbox.first_ns + flush_ns_)) continue;
    send_samples(outbox);
    for (const auto task : outbox.ended) sink_.task_finished(outbox.assignment->id, task);
    const auto ended = std::exchange(outbox.ended, {}).size();
    finish_tasks(sink_, *outbox.assignment, ended, std::exchange(outbox.ended_busy, 0));
  }
  std::erase_if(outboxes_, [](const Outbox& outbox) { return outbox.open_tasks == 0; });
}

std::int64_t Book::next_ns() const {
  auto next = deadlines_.next_ns();
  for (const auto& outbox : outboxes_) {
    const bool news = !outbox.samples.empty() || !outbox.ended.empty();
    if (news) next = std::min(next, outbox.first_ns + flush_ns_);
  }
  for (const auto* task : sent_) {
    if (task->may_be_quiet()) next = std::min(next, task->quiet_ns());
  }
  for (const auto* task : probation_) {
    next = std::min(next, task->first_ns + std::chrono::nanoseconds(task->spec.timeout).count() / 2);
  }
  return next;
}

void Book::unidentified(Flight& flight) {
  losses_.add(io::Loss::kUnidentifiedAnswer);
  flight.unidentified = true;
}

void Book::stray_answer(ProbeId id, std::int64_t now_ns) {
  switch (ended_.find(id)) {
    case Ending::kAnswered:
      return losses_.add(io::Loss::kDuplicateAnswer);
    case Ending::kExpired:
      window_.late(now_ns);
      late_until_ns_ = now_ns + kLateNs;
      return losses_.add(io::Loss::kLateAnswer);
    case Ending::kUnknown:
      return losses_.add(io::Loss::kUnknownAnswer);
  }
}

void Book::count_streak(TaskState& task, bool wanted) {
  if (task.spec.until_count == 0 || task.enough) return;
  task.streak = wanted ? task.streak + 1 : 0;
  task.enough = task.streak >= task.spec.until_count;
  if (task.enough) withdraw(task);
}

// What is still in flight would only hold up the end of a task that knows what it wanted to know.
void Book::withdraw(TaskState& task) {
  std::vector<ProbeId> open;
  flights_.for_each([&](const Flight& flight) {
    if (flight.task == &task) open.push_back(flight.id);
  });
  for (const auto id : open) {
    ended_.add(id, Ending::kExpired);
    close(*flights_.find(id));
    losses_.add(io::Loss::kWithdrawnProbe);
  }
}

}  // namespace conntruth::probe
