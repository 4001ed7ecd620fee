#include "controller/fleet/fleet_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace conntruth::fleet {

namespace {

constexpr std::size_t kExaminers = 4;
constexpr std::size_t kMostApplicants = 10'000;
constexpr std::size_t kMostRefusals = 100;

// Sessions of another controller must never look like ours.
std::string random_prefix() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace

Fleet::Core::Core(FleetOptions options, ListenerFactory factory)
    : options_(std::move(options)), factory_(std::move(factory)), session_prefix_(random_prefix()) {}

Fleet::Core::~Core() { stop(""); }

Status Fleet::Core::listen(const std::string& target) {
  auto listener = factory_(target, *this);
  if (!listener) return std::unexpected(listener.error().in("listen on " + target));
  const std::lock_guard lock(mutex_);
  listener_ = std::move(*listener);
  while (options_.admit && examiners_.size() < kExaminers) examiners_.emplace_back([this] { admit_applicants(); });
  return {};
}

std::optional<Event> Fleet::Core::next(TimePoint deadline) {
  std::vector<ConnectionRef> resumable;
  std::optional<Event> event;
  {
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto now = options_.now();
      expire(now);
      if (!events_.empty()) {
        event = std::move(events_.front());
        events_.pop_front();
        break;
      }
      if (now >= deadline || stopping_ || std::exchange(woken_, false)) break;
      changed_.wait_for(lock, std::min(deadline, next_expiry()) - now);
    }
    resumable = take_resumable();
  }
  for (const auto& connection : resumable) connection->resume_reading();
  return event;
}

void Fleet::Core::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

Status Fleet::Core::assign(const std::string& name, const Assignment& assignment) {
  if (auto checked = codec::check(assignment); !checked) return std::unexpected(checked.error().in("agent " + name));
  auto bytes = encode(assignment);
  const std::lock_guard lock(mutex_);
  const auto found = agents_.find(name);
  if (found == agents_.end()) return fail(ErrorCode::kNotFound, "no agent of " + name + " is connected");
  auto& agent = found->second;
  if (agent.connection) agent.connection->send(bytes);
  agent.unfinished.insert_or_assign(assignment.id, std::move(bytes));
  return {};
}

void Fleet::Core::acknowledge(const std::string& name, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto found = agents_.find(name);
  if (found == agents_.end()) return;
  auto& agent = found->second;
  if (sequence <= agent.acknowledged || sequence > agent.received) return;
  agent.acknowledged = sequence;
  if (agent.connection) agent.connection->send(encode(codec::Ack{sequence}));
}

void Fleet::Core::stop(const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (auto& [name, agent] : agents_) {
      if (!agent.connection) continue;
      agent.connection->send(encode(codec::Stop{reason, false}));
      agent.connection->finish();
    }
    agents_.clear();
    owners_.clear();
    paused_.clear();
    events_.clear();
    applicants_.clear();
  }
  changed_.notify_all();
  applied_.notify_all();
  if (listener_) listener_->shutdown();
  for (auto& examiner : examiners_) examiner.join();
  examiners_.clear();
}

std::vector<std::string> Fleet::Core::agents() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  names.reserve(agents_.size());
  for (const auto& [name, agent] : agents_) names.push_back(name);
  return names;
}

FleetCounters Fleet::Core::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

std::map<std::string, std::string> Fleet::Core::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

bool Fleet::Core::message(const std::shared_ptr<Connection>& connection, std::string bytes) {
  auto decoded = codec::decode_agent_message(bytes);  // the costly part, outside of the lock
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    connection->finish();
    return true;
  }
  if (ended_.contains(connection.get())) return true;
  const auto owner = owners_.find(connection.get());
  const bool known = owner != owners_.end() || examined_.contains(connection.get());
  if (!decoded || known == std::holds_alternative<Hello>(*decoded)) {
    ++counters_.malformed_messages;
    refuse(connection, decoded ? "hello must be the first message and the only one" : decoded.error().message);
    return true;
  }
  if (!known) {
    greet(connection, std::get<Hello>(*decoded));
  } else if (owner == owners_.end()) {
    ++counters_.malformed_messages;
    refuse(connection, "nothing may follow hello before the welcome");
  } else {
    auto& agent = agents_.at(owner->second);
    agent.heard = options_.now();
    if (auto* batch = std::get_if<ResultBatch>(&*decoded)) {
      take_batch(agent, owner->second, std::move(*batch), std::move(bytes));
    } else {
      connection->send(encode(codec::Ack{agent.acknowledged}));
    }
  }
  if (events_.size() < options_.queue_capacity) return true;
  ++counters_.paused_reads;
  paused_.insert(connection);
  return false;
}

void Fleet::Core::closed(const std::shared_ptr<Connection>& connection, const std::string& why) {
  const std::lock_guard lock(mutex_);
  paused_.erase(connection);
  ended_.erase(connection.get());
  examined_.erase(connection.get());
  const auto owner = owners_.find(connection.get());
  if (owner == owners_.end()) return;
  auto& agent = agents_.at(owner->second);
  agent.connection.reset();
  agent.heard = options_.now();
  agent.cut_why = why;
  owners_.erase(owner);
  changed_.notify_all();  // the time until when it may resume is a new deadline
}

void Fleet::Core::greet(const ConnectionRef& connection, const Hello& hello) {
  if (hello.protocol_version != codec::kProtocolVersion) {
    return refuse_agent(connection, hello.node,
                        fmt::format("agent {} of {} speaks protocol {}, this controller speaks {}; install the "
                                    "same version of both",
                                    hello.agent_version, hello.node, hello.protocol_version, codec::kProtocolVersion),
                        counters_.refused_agents);
  }
  if (hello.node.empty()) {
    return refuse_agent(connection, "", "hello names no node; start the agent with --node NAME",
                        counters_.refused_agents);
  }
  if (options_.admit) return examine(connection, hello);
  accept(connection, hello);
}

void Fleet::Core::examine(const ConnectionRef& connection, const Hello& hello) {
  if (connection->token().empty()) {
    return refuse_agent(connection, hello.node, "it brought no token; the agent's --token names the file",
                        counters_.missing_tokens);
  }
  if (applicants_.size() >= kMostApplicants) {
    return refuse_agent(connection, hello.node, "too many agents wait for their tokens to be looked at",
                        counters_.unchecked_tokens);
  }
  examined_.insert(connection.get());
  applicants_.push_back({connection, hello});
  applied_.notify_one();
}

void Fleet::Core::admit_applicants() {
  std::unique_lock lock(mutex_);
  for (;;) {
    applied_.wait(lock, [this] { return stopping_ || !applicants_.empty(); });
    if (stopping_) return;
    const auto applicant = std::move(applicants_.front());
    applicants_.pop_front();
    lock.unlock();
    const auto admitted = options_.admit(applicant.connection->token(), applicant.hello.node);
    lock.lock();
    if (!stopping_) decide(applicant, admitted);
  }
}

// Its stream may have ended while its token was looked at.
void Fleet::Core::decide(const Applicant& applicant, const Status& admitted) {
  if (examined_.erase(applicant.connection.get()) == 0) return;
  if (admitted) return accept(applicant.connection, applicant.hello);
  refuse_agent(applicant.connection, applicant.hello.node, admitted.error().message,
               admitted.error().code == ErrorCode::kPermission ? counters_.refused_tokens : counters_.unchecked_tokens);
}

void Fleet::Core::accept(const ConnectionRef& connection, const Hello& hello) {
  refusals_.erase(hello.node);
  const auto known = agents_.find(hello.node);
  if (known != agents_.end() && is_same_agent(known->second, hello)) {
    return resume(known->second, connection, hello.node);
  }
  if (known != agents_.end()) {
    if (known->second.connection) {
      const std::string why = "another agent of " + hello.node + " took its place";
      refuse(ConnectionRef(known->second.connection), why);
      lose(hello.node, why);
    } else {
      lose(hello.node, "it began a new session: it was restarted or its lease had run out");
    }
  }
  join(connection, hello);
}

// The second case: the cut took our welcome with it, and nothing has come of that session.
bool Fleet::Core::is_same_agent(const Agent& agent, const Hello& hello) {
  return hello.session == agent.session || (hello.session.empty() && !agent.connection && agent.received == 0);
}

void Fleet::Core::join(const ConnectionRef& connection, const Hello& hello) {
  auto& agent = agents_[hello.node];
  agent.session = fmt::format("{}-{}", session_prefix_, ++sessions_);
  agent.connection = connection;
  agent.heard = options_.now();
  owners_[connection.get()] = hello.node;
  connection->send(encode(codec::Welcome{agent.session, options_.lease, 0}));
  push(AgentJoined{hello});
}

void Fleet::Core::resume(Agent& agent, const ConnectionRef& connection, const std::string& name) {
  // Its old stream may not have noticed the cut yet.
  if (agent.connection) release(ConnectionRef(agent.connection));
  agent.connection = connection;
  agent.heard = options_.now();
  owners_[connection.get()] = name;
  connection->send(encode(codec::Welcome{agent.session, options_.lease, agent.acknowledged}));
  for (const auto& [id, bytes] : agent.unfinished) connection->send(bytes);
  push(AgentResumed{name});
}

void Fleet::Core::take_batch(Agent& agent, const std::string& name, ResultBatch&& batch, std::string&& bytes) {
  if (batch.sequence <= agent.received) {
    ++counters_.duplicate_batches;
    agent.connection->send(encode(codec::Ack{agent.acknowledged}));
    return;
  }
  if (batch.sequence != agent.received + 1) {
    // The agent reconnects and sends again from what is acknowledged.
    ++counters_.sequence_gaps;
    return release(ConnectionRef(agent.connection));
  }
  agent.received = batch.sequence;
  if (batch.assignment_done) agent.unfinished.erase(batch.assignment);
  push(Batch{name, std::move(batch), std::move(bytes)});
}

void Fleet::Core::refuse_agent(const ConnectionRef& connection, const std::string& node, const std::string& why,
                               std::uint64_t& counter) {
  ++counter;
  if (refusals_.contains(node) || refusals_.size() < kMostRefusals) refusals_.insert_or_assign(node, why);
  refuse(connection, why);
}

void Fleet::Core::refuse(const ConnectionRef& connection, const std::string& why) {
  connection->send(encode(codec::Stop{why, true}));
  release(connection);
}

// The stream ends and is no longer anybody's. Its owner, if it has no other, counts as cut off from now on.
void Fleet::Core::release(const ConnectionRef& connection) {
  connection->finish();
  examined_.erase(connection.get());
  ended_.insert(connection.get());
  const auto owner = owners_.find(connection.get());
  if (owner == owners_.end()) return;
  auto& agent = agents_.at(owner->second);
  agent.connection.reset();
  agent.heard = options_.now();
  agent.cut_why = "the controller ended its stream";
  owners_.erase(owner);
}

void Fleet::Core::lose(const std::string& name, const std::string& why) {
  const auto found = agents_.find(name);
  if (found->second.connection) release(ConnectionRef(found->second.connection));
  agents_.erase(found);
  push(AgentLost{name, why});
}

TimePoint Fleet::Core::expiry(const Agent& agent) const {
  // While we do not read its stream we cannot hear it: that silence is ours.
  if (agent.connection && paused_.contains(agent.connection)) return TimePoint::max();
  return agent.heard + (agent.connection ? options_.lease : options_.resume_within);
}

void Fleet::Core::expire(TimePoint now) {
  // A controller that was itself held up (stopped, starved) must not blame the agents: what they sent meanwhile may
  // still be on its way through our own threads.
  const bool held_up = checked_ && now - *checked_ > options_.lease / 2;
  checked_ = now;
  std::vector<std::pair<std::string, std::string>> lost;
  for (auto& [name, agent] : agents_) {
    if (held_up) agent.heard = std::max(agent.heard, now - options_.lease / 2);
    if (now < expiry(agent)) continue;
    lost.emplace_back(name, agent.connection
                                ? fmt::format("nothing was heard of it for {} ms", options_.lease.count())
                                : fmt::format("its stream ended ({}) and it did not come back within {} ms",
                                              agent.cut_why, options_.resume_within.count()));
  }
  for (const auto& [name, why] : lost) lose(name, why);
}

TimePoint Fleet::Core::next_expiry() const {
  auto earliest = options_.now() + options_.lease / 4;  // looked at often enough not to seem held up
  for (const auto& [name, agent] : agents_) earliest = std::min(earliest, expiry(agent));
  return earliest;
}

std::vector<Fleet::Core::ConnectionRef> Fleet::Core::take_resumable() {
  if (paused_.empty() || events_.size() > options_.queue_capacity / 2) return {};
  std::vector<ConnectionRef> resumable(paused_.begin(), paused_.end());
  for (auto& [name, agent] : agents_) {
    if (agent.connection && paused_.contains(agent.connection)) agent.heard = options_.now();
  }
  paused_.clear();
  return resumable;
}

void Fleet::Core::push(Event event) {
  events_.push_back(std::move(event));
  changed_.notify_all();
}

}  // namespace conntruth::fleet
