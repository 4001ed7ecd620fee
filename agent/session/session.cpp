#include "agent/session/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace conntruth::session {

Session::Session(SessionOptions options, Transport& transport)
    : options_(std::move(options)),
      transport_(transport),
      spool_(options_.spool, options_.now,
             [this] {
               const std::lock_guard lock(mutex_);
               woken_ = true;
               news_.notify_all();
             }),
      back_off_(options_.first_back_off) {}

Session::~Session() { link_.reset(); }

Status Session::run(Worker& worker) {
  worker_ = &worker;
  phase_end_ = options_.now();
  {
    const std::lock_guard lock(mutex_);
    heard_ = phase_end_;
  }
  while (!ended_) {
    check_times();
    send_due();
    for (auto& incoming : wait_for_events()) {
      if (!ended_) handle(std::move(incoming));
    }
  }
  worker.abandon();
  link_.reset();
  return *ended_;
}

void Session::request_stop() {
  const std::lock_guard lock(mutex_);
  stop_requested_ = true;
  news_.notify_all();
}

std::vector<LossCounter> Session::counters() const {
  std::vector<LossCounter> counters;
  const auto add = [&counters](const char* name, std::uint64_t count) {
    if (count > 0) counters.push_back({name, count});
  };
  add("batches-forgotten", spool_.forgotten_batches());
  add("batches-resent", spool_.resent_batches());
  const std::lock_guard lock(mutex_);
  add("reconnects", reconnects_);
  add("sights-dropped", spool_.dropped_sights());
  add("hops-dropped", spool_.dropped_hops());
  add("rules-dropped", spool_.dropped_rules());
  add("entries-dropped", spool_.dropped_entries());
  add("rulesets-dropped", spool_.dropped_rulesets());
  return counters;
}

// Heard when it arrives, however long run()'s thread is busy before it reads it.
void Session::message(std::string bytes) {
  const std::lock_guard lock(mutex_);
  heard_ = options_.now();
  post(std::move(bytes));
}

void Session::closed(const std::string& why) {
  const std::lock_guard lock(mutex_);
  post(Closed{why});
}

void Session::post(Incoming incoming) {
  if (inbox_.size() >= options_.inbox_capacity) {
    overflow_ = true;
  } else {
    inbox_.push_back(std::move(incoming));
  }
  news_.notify_all();
}

std::deque<Session::Incoming> Session::wait_for_events() {
  const auto deadline = next_deadline();
  std::unique_lock lock(mutex_);
  if (!ended_) {
    news_.wait_for(lock, deadline - options_.now(),
                   [this] { return woken_ || stop_requested_ || overflow_ || !inbox_.empty(); });
  }
  woken_ = false;
  if (stop_requested_) end({});
  if (std::exchange(overflow_, false)) inbox_.emplace_back(Closed{"the controller sent more than fits in the inbox"});
  return std::exchange(inbox_, {});
}

void Session::handle(Incoming incoming) {
  if (auto* closed = std::get_if<Closed>(&incoming)) {
    cut(closed->why);
  } else if (phase_ != Phase::kCut) {
    handle_message(std::get<std::string>(incoming));
  }
}

void Session::handle_message(const std::string& bytes) {
  auto message = codec::decode_controller_message(bytes);
  if (!message) return end(std::unexpected(message.error().in("the controller sent what is no message")));
  if (const auto* stop = std::get_if<codec::Stop>(&*message)) {
    if (stop->refused) return end(fail(ErrorCode::kUnsupported, "the controller refused this agent: " + stop->reason));
    return end({});
  }
  if (const auto* words = std::get_if<codec::Welcome>(&*message)) return welcome(*words);
  if (phase_ != Phase::kConnected)
    return end(fail(ErrorCode::kInvalidInput, "the controller did not begin with welcome"));
  if (const auto* assignment = std::get_if<Assignment>(&*message)) return assign(*assignment);
  spool_.acknowledge(std::get<codec::Ack>(*message).sequence);
}

void Session::welcome(const codec::Welcome& welcome) {
  if (welcome.session != session_) {
    forget_session();
    session_ = welcome.session;
    options_.log("joined the controller, session " + session_);
  } else {
    options_.log("resumed session " + session_);
    const std::lock_guard lock(mutex_);
    ++reconnects_;
  }
  lease_ = welcome.lease;
  spool_.acknowledge(welcome.acknowledged);
  spool_.rewind();
  phase_ = Phase::kConnected;
  phase_end_ = options_.now() + lease_ / 4;
  back_off_ = options_.first_back_off;
}

void Session::assign(const Assignment& assignment) {
  if (!assignments_.insert(assignment.id).second) return;
  if (auto started = worker_->carry_out(assignment); !started) spool_.finished(assignment.id, started.error().message);
}

void Session::cut(const std::string& why) {
  if (why != last_cut_) options_.log("no stream to the controller: " + why);
  link_.reset();
  phase_ = Phase::kCut;
  last_cut_ = why;
  phase_end_ = options_.now() + back_off_;
  back_off_ = std::min(2 * back_off_, options_.longest_back_off);
  const std::lock_guard lock(mutex_);
  inbox_.clear();  // of the link that is gone
}

void Session::connect() {
  link_ = transport_.connect(*this);
  auto hello = options_.hello;
  hello.session = session_;
  hello.acknowledged = spool_.acknowledged();
  link_->send(codec::encode(codec::AgentMessage(std::move(hello))));
  phase_ = Phase::kGreeting;
  phase_end_ = options_.now() + options_.welcome_within;
}

void Session::check_times() {
  const auto now = options_.now();
  const auto heard = last_heard();
  if (!session_.empty() && now >= heard + lease_) {
    cut(fmt::format("nothing was heard for the lease of {} ms", lease_.count()));
    forget_session();
  }
  if (now >= heard + options_.give_up_after) {
    return end(fail(ErrorCode::kUnavailable, fmt::format("the controller was not heard of for {} s ({}); giving up",
                                                         options_.give_up_after.count() / 1000, last_cut_)));
  }
  if (now < phase_end_) return;
  switch (phase_) {
    case Phase::kCut:
      return connect();
    case Phase::kGreeting:
      return cut("no welcome came");
    case Phase::kConnected:
      link_->send(codec::encode(codec::AgentMessage(codec::Heartbeat{})));
      phase_end_ = now + lease_ / 4;
  }
}

void Session::send_due() {
  if (phase_ != Phase::kConnected || ended_) return;
  const auto losses = [this] {
    auto all = worker_->losses();
    std::ranges::move(counters(), std::back_inserter(all));
    return all;
  };
  while (auto bytes = spool_.next_to_send(losses)) link_->send(std::move(*bytes));
}

void Session::forget_session() {
  if (session_.empty()) return;
  options_.log("session " + session_ + " is over: dropping its tasks, responders and unsent results");
  session_.clear();
  assignments_.clear();
  worker_->abandon();
  spool_.clear();
}

TimePoint Session::last_heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

TimePoint Session::next_deadline() const {
  const auto heard = last_heard();
  auto deadline = std::min(phase_end_, heard + options_.give_up_after);
  if (!session_.empty()) deadline = std::min(deadline, heard + lease_);
  if (phase_ == Phase::kConnected) deadline = std::min(deadline, spool_.next_flush());
  return deadline;
}

}  // namespace conntruth::session
