#include "agent/probe/engine.hpp"

#include <sys/resource.h>

#include <mutex>

#include "agent/io/socket.hpp"
#include "agent/probe/place.hpp"
#include "agent/probe/ports.hpp"

namespace conntruth::probe {

namespace {

constexpr rlim_t kDescriptors = 1U << 20U;

// The limit afterwards.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit wanted{kDescriptors, std::max(kDescriptors, limit.rlim_max)};
  if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) return kDescriptors;
  limit.rlim_cur = limit.rlim_max;  // without privilege as far as it goes
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// What each place may have in flight when every flight of every place takes a descriptor.
std::uint32_t window_within(std::size_t descriptors, std::size_t places) {
  constexpr std::size_t kOthers = 1024;  // responders, raw sockets, the session
  const auto share = descriptors > kOthers ? (descriptors - kOthers) / places : 0;
  return static_cast<std::uint32_t>(share > ReservedPorts::kHeld + 256 ? share - ReservedPorts::kHeld : 256);
}

// Why a task cannot run anywhere; "" if it may.
std::string flaw_of(const ProbeTask& task) {
  if (task.target.address.is_unspecified()) return "the target address is unspecified: there is nothing to probe";
  if (task.method == Method::kHttpGet && !task.path.starts_with('/'))
    return "an HTTP GET needs a path that begins with /";
  if (task.method == Method::kDnsLookup && task.name.empty()) return "a DNS lookup needs a name";
  if (task.target.port == 0) return "the target port of " + task.target.address.to_string() + " is 0";
  if (task.timeout.count() <= 0) return "the timeout must be positive";
  if (!io::has_family(task.target.address.family())) {
    return "this host has no " + std::string(to_string(task.target.address.family()));
  }
  if (!task.source.is_unspecified() && task.source.family() != task.target.address.family()) {
    return "source " + task.source.to_string() + " and target " + task.target.to_string() +
           " are of different families";
  }
  return "";
}

}  // namespace

struct Engine::State {
  State(EngineOptions the_options, Sink& the_sink)
      : options(std::move(the_options)),
        sink(the_sink),
        budget(std::max(1U, options.budget)),
        shared{options, sink, budget, clock, losses, clock.now_ns()} {}

  EngineOptions options;
  Sink& sink;
  io::MonotonicClock clock;
  io::LossCounters losses;
  Budget budget;
  Shared shared;
  std::mutex mutex;
  bool running = false;                                    // guarded
  std::map<NamespaceName, std::unique_ptr<Place>> places;  // guarded

  Result<Place*> place(const NamespaceName& name);  // with the mutex held
  Status enqueue(const std::shared_ptr<AssignmentState>& assignment, const ProbeTask& task);
  void submit(const std::shared_ptr<AssignmentState>& assignment, const ProbeTask& task);
};

Result<Place*> Engine::State::place(const NamespaceName& name) {
  if (!running) return fail(ErrorCode::kUnavailable, "the probe engine is not running");
  if (const auto found = places.find(name); found != places.end()) return found->second.get();
  const auto path = options.places.find(name);
  if (path == options.places.end()) {
    return fail(ErrorCode::kNotFound, "this agent has no place named " + name);
  }
  auto opened = std::make_unique<Place>(name, path->second, shared);
  if (auto started = opened->start(); !started) return std::unexpected(started.error().in("place " + name));
  return places.emplace(name, std::move(opened)).first->second.get();
}

Status Engine::State::enqueue(const std::shared_ptr<AssignmentState>& assignment, const ProbeTask& task) {
  const std::lock_guard lock(mutex);
  auto found = place(task.place);
  if (!found) return std::unexpected(found.error());
  auto state = std::make_unique<TaskState>();
  state->spec = task;
  state->assignment = assignment;
  (*found)->add(std::move(state));
  return {};
}

void Engine::State::submit(const std::shared_ptr<AssignmentState>& assignment, const ProbeTask& task) {
  auto flaw = flaw_of(task);
  if (flaw.empty() && task.count > 0) {
    const auto queued = enqueue(assignment, task);
    if (queued) return;
    flaw = queued.error().message;
  }
  refuse_task(sink, assignment, task, flaw, clock.now_ns(), options.batch);
}

Engine::Engine(EngineOptions options, Sink& sink) : state_(std::make_unique<State>(std::move(options), sink)) {}

Engine::~Engine() { stop(); }

Status Engine::start() {
  auto& options = state_->options;
  if (options.budget == 0) return fail(ErrorCode::kInvalidInput, "budget must be at least 1 probe per second");
  if (options.window == 0 || options.window > 65536) return fail(ErrorCode::kInvalidInput, "window must be 1..65536");
  if (options.awaited < AnswerWindow::kLeast || options.awaited > AnswerWindow::kMost) {
    return fail(ErrorCode::kInvalidInput, "awaited must be 8..256");
  }
  if (options.batch == 0) return fail(ErrorCode::kInvalidInput, "batch must be at least 1");
  options.places.try_emplace("");
  options.window = std::min(options.window, window_within(raise_descriptor_limit(), options.places.size()));
  const std::lock_guard lock(state_->mutex);
  state_->running = true;
  return {};
}

void Engine::add_place(const NamespaceName& name, const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  state_->options.places.try_emplace(name, path);
}

void Engine::submit(const Assignment& assignment) {
  if (assignment.tasks.empty()) return state_->sink.assignment_finished(assignment.id);
  const auto shared = std::make_shared<AssignmentState>(assignment.id, assignment.tasks.size());
  for (const auto& task : assignment.tasks) state_->submit(shared, task);
}

void Engine::stop() {
  std::map<NamespaceName, std::unique_ptr<Place>> places;
  {
    const std::lock_guard lock(state_->mutex);
    state_->running = false;
    places.swap(state_->places);
  }
}

std::vector<LossCounter> Engine::losses() const { return state_->losses.snapshot(); }

std::vector<std::string> Engine::capabilities() {
  std::vector<std::string> result;
  for (const auto method : {Method::kUdpSocket, Method::kTcpSocket, Method::kHttpGet, Method::kDnsLookup})
    result.emplace_back(to_string(method));
  if (io::open_raw_sender(Family::kIpv4)) {
    for (const auto method : {Method::kUdpCrafted, Method::kTcpSyn, Method::kSctpInit})
      result.emplace_back(to_string(method));
  }
  if (io::has_family(Family::kIpv6)) result.emplace_back("ipv6");
  return result;
}

}  // namespace conntruth::probe
