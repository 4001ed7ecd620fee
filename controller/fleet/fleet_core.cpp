#include "controller/fleet/fleet_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace conntruth::fleet {

namespace {

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
      if (now >= deadline || stopping_) break;
      changed_.wait_for(lock, std::min(deadline, next_expiry()) - now);
    }
    resumable = take_resumable();
  }
  for (const auto& connection : resumable) connection->resume_reading();
  return event;
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
  }
  changed_.notify_all();
  if (listener_) listener_->shutdown();
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

bool Fleet::Core::message(const std::shared_ptr<Connection>& connection, std::string bytes) {
  auto decoded = codec::decode_agent_message(bytes);  // the costly part, outside of the lock
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    connection->finish();
    return true;
  }
  if (ended_.contains(connection.get())) return true;
  const auto owner = owners_.find(connection.get());
  const bool known = owner != owners_.end();
  if (!decoded || known == std::holds_alternative<Hello>(*decoded)) {
    ++counters_.malformed_messages;
    refuse(connection, decoded ? "hello must be the first message and the only one" : decoded.error().message);
    return true;
  }
  if (!known) {
    admit(connection, std::get<Hello>(*decoded));
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
  const auto owner = owners_.find(connection.get());
  if (owner == owners_.end()) return;
  auto& agent = agents_.at(owner->second);
  agent.connection.reset();
  agent.heard = options_.now();
  agent.cut_why = why;
  owners_.erase(owner);
  changed_.notify_all();  // the time until when it may resume is a new deadline
}

void Fleet::Core::admit(const ConnectionRef& connection, const Hello& hello) {
  if (hello.protocol_version != codec::kProtocolVersion) {
    ++counters_.refused_agents;
    return refuse(connection,
                  fmt::format("agent {} of {} speaks protocol {}, this controller speaks {}; install the "
                              "same version of both",
                              hello.agent_version, hello.node, hello.protocol_version, codec::kProtocolVersion));
  }
  if (hello.node.empty()) {
    ++counters_.refused_agents;
    return refuse(connection, "hello names no node; start the agent with --node NAME");
  }
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

void Fleet::Core::refuse(const ConnectionRef& connection, const std::string& why) {
  connection->send(encode(codec::Stop{why, true}));
  release(connection);
}

// The stream ends and is no longer anybody's. Its owner, if it has no other, counts as cut off from now on.
void Fleet::Core::release(const ConnectionRef& connection) {
  connection->finish();
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
