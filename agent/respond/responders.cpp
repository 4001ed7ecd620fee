#include "agent/respond/responders.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "agent/io/netns.hpp"
#include "agent/io/poller.hpp"
#include "agent/io/socket.hpp"
#include "agent/respond/raw_responders.hpp"
#include "agent/respond/tcp_responder.hpp"
#include "agent/respond/udp_responder.hpp"

namespace conntruth::respond {

namespace {

constexpr std::uint64_t kWakeupToken = 0;
constexpr std::size_t kSightBatch = 1024;
constexpr std::int64_t kSightDelayNs = 10'000'000;
constexpr std::size_t kConversations = 4096;  // kept TCP connections of one responder

using Handlers = std::vector<std::unique_ptr<Handler>>;

// What one place shares between its responders. Stays once it is made: an idle filter costs next to nothing, and the
// SCTP sockets must stay for guard_sctp.
struct Place {
  std::string path;
  PortTable tcp_ports;
  PortTable sctp_ports;
  Handlers tcp_raw;
  Handlers sctp_raw;
};

struct Entry {
  ResponderSpec spec;
  Handlers handlers;
};

std::string name_of(const NamespaceName& place) { return place.empty() ? "node" : "place " + place; }

}  // namespace

// Everything but `commands` belongs to the loop thread once it runs; others hand it commands and wait.
struct Responders::State {
  State(RespondersOptions the_options, SightSink& the_sink)
      : options(std::move(the_options)), sink(the_sink), desk(clock, losses) {
    options.places.try_emplace("");
    for (const auto& [name, path] : options.places) places[name].path = path;
  }

  RespondersOptions options;
  SightSink& sink;
  io::MonotonicClock clock;
  io::LossCounters losses;
  Desk desk;
  std::optional<io::Poller> poller;
  std::optional<io::Wakeup> wakeup;
  std::map<NamespaceName, Place> places;
  std::unordered_map<std::uint32_t, Entry> entries;
  std::int64_t first_sight_ns = 0;

  std::mutex mutex;
  std::vector<std::packaged_task<Status()>> commands;  // guarded
  bool running = false;                                // guarded
  std::thread thread;

  void loop();
  void run_commands();
  void tend_conversations();
  void deliver_sights(std::int64_t now_ns);
  Status command(std::function<Status()> work);
  Status watch(Handlers& handlers);
  void unwatch(const Handlers& handlers);
  Status add(const ResponderSpec& spec);
  void remove(std::uint32_t id);
  Status open_raw(Place& place, Protocol protocol);
  Status open_ports(const Place& place, const ResponderSpec& spec, Handlers& handlers) const;
};

namespace {

// Opens one handler per family; a host without IPv6 gives IPv4 only.
Status open_families(const std::string& path, Handlers& handlers,
                     const std::function<Result<std::unique_ptr<Handler>>(Family)>& open) {
  return io::in_network_namespace(path, [&]() -> Status {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      if (!io::has_family(family)) continue;
      auto handler = open(family);
      if (!handler) return std::unexpected(handler.error());
      handlers.push_back(std::move(*handler));
    }
    return {};
  });
}

}  // namespace

Status Responders::State::watch(Handlers& handlers) {
  for (auto& handler : handlers) {
    auto added = poller->add(handler->fd(), EPOLLIN, reinterpret_cast<std::uintptr_t>(handler.get()));
    if (!added) return added;
  }
  return {};
}

void Responders::State::unwatch(const Handlers& handlers) {
  for (const auto& handler : handlers) poller->remove(handler->fd());
}

Status Responders::State::open_raw(Place& place, Protocol protocol) {
  const bool tcp = protocol == Protocol::kTcp;
  auto& handlers = tcp ? place.tcp_raw : place.sctp_raw;
  if (!handlers.empty()) return {};
  Handlers opened;
  auto done = open_families(place.path, opened, [&](Family family) {
    return tcp ? SynResponder::open(family, place.tcp_ports) : SctpResponder::open(family, place.sctp_ports);
  });
  if (!done) return done;
  handlers = std::move(opened);
  return watch(handlers);
}

Status Responders::State::open_ports(const Place& place, const ResponderSpec& spec, Handlers& handlers) const {
  if (spec.protocol == Protocol::kSctp) return {};
  return open_families(place.path, handlers, [&](Family family) {
    return spec.protocol == Protocol::kUdp ? UdpResponder::open(family, spec.port, spec.id)
                                           : TcpResponder::open(family, spec.port, spec.id);
  });
}

Status Responders::State::add(const ResponderSpec& spec) {
  const auto what =
      name_of(spec.place) + ": " + std::string(to_string(spec.protocol)) + " port " + std::to_string(spec.port);
  const auto place = places.find(spec.place);
  if (place == places.end()) return fail(ErrorCode::kNotFound, what + ": this agent has no such place");
  if (spec.id == 0 || spec.port == 0)
    return fail(ErrorCode::kInvalidInput, what + ": port and responder id must not be 0");
  if (entries.contains(spec.id)) {
    return fail(ErrorCode::kConflict, what + ": responder id " + std::to_string(spec.id) + " is taken");
  }
  auto& table = spec.protocol == Protocol::kSctp ? place->second.sctp_ports : place->second.tcp_ports;
  const bool half_open = spec.protocol != Protocol::kUdp;
  if (half_open && table.contains(spec.port))
    return fail(ErrorCode::kConflict, what + " is taken by another responder");
  Entry entry{.spec = spec, .handlers = {}};
  auto done = open_ports(place->second, spec, entry.handlers);
  if (!done && done.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict, what + " is taken by another socket; choose another port");
  }
  if (done && half_open) done = open_raw(place->second, spec.protocol);
  if (done) done = watch(entry.handlers);
  if (!done) return std::unexpected(done.error().in(what));
  if (half_open) table[spec.port] = spec.id;
  entries.emplace(spec.id, std::move(entry));
  return {};
}

void Responders::State::remove(std::uint32_t id) {
  const auto found = entries.find(id);
  if (found == entries.end()) return;
  const auto& spec = found->second.spec;
  unwatch(found->second.handlers);
  auto& place = places.at(spec.place);
  if (spec.protocol == Protocol::kTcp) place.tcp_ports.erase(spec.port);
  if (spec.protocol == Protocol::kSctp) place.sctp_ports.erase(spec.port);
  entries.erase(found);
}

void Responders::State::run_commands() {
  wakeup->clear();
  std::vector<std::packaged_task<Status()>> todo;
  {
    const std::lock_guard lock(mutex);
    todo.swap(commands);
  }
  for (auto& task : todo) task();
}

Status Responders::State::command(std::function<Status()> work) {
  std::future<Status> done;
  {
    const std::lock_guard lock(mutex);
    if (!running) return fail(ErrorCode::kUnavailable, "responders are not running");
    done = commands.emplace_back(std::move(work)).get_future();
  }
  wakeup->ring();
  return done.get();
}

void Responders::State::deliver_sights(std::int64_t now_ns) {
  auto& sights = desk.sights;
  if (sights.empty()) return;
  if (first_sight_ns == 0) first_sight_ns = now_ns;
  if (sights.size() < kSightBatch / 2 && now_ns < first_sight_ns + kSightDelayNs) return;
  for (std::size_t at = 0; at < sights.size(); at += kSightBatch) {
    const auto first = sights.begin() + static_cast<std::ptrdiff_t>(at);
    sink.sights({first, first + static_cast<std::ptrdiff_t>(std::min(kSightBatch, sights.size() - at))});
  }
  sights.clear();
  first_sight_ns = 0;
}

// Conversations belong to their responder and go with it.
void Responders::State::tend_conversations() {
  for (auto& [responder, handler] : std::exchange(desk.opened, {})) {
    const auto found = entries.find(responder);
    if (found == entries.end() || found->second.handlers.size() >= kConversations ||
        !poller->add(handler->fd(), EPOLLIN, reinterpret_cast<std::uintptr_t>(handler.get()))) {
      losses.add(io::Loss::kAnswerNotSent);
      continue;
    }
    found->second.handlers.push_back(std::move(handler));
  }
  for (const auto& [responder, handler] : std::exchange(desk.closed, {})) {
    const auto found = entries.find(responder);
    if (found == entries.end()) continue;
    std::erase_if(found->second.handlers, [&](const auto& each) { return each.get() == handler; });
  }
}

void Responders::State::loop() {
  for (bool go = true; go;) {
    const auto now_ns = clock.now_ns();
    deliver_sights(now_ns);
    const auto until_ns = desk.sights.empty() ? INT64_MAX : first_sight_ns + kSightDelayNs;
    bool rung = false;
    for (const auto& event : poller->wait(until_ns, now_ns)) {
      if (event.data.u64 == kWakeupToken) {
        rung = true;
      } else {
        reinterpret_cast<Handler*>(static_cast<std::uintptr_t>(event.data.u64))->ready(desk);
      }
    }
    tend_conversations();
    if (!rung) continue;
    run_commands();  // after the events, which name handlers that a command may remove
    const std::lock_guard lock(mutex);
    go = running || !commands.empty();
  }
}

Responders::Responders(RespondersOptions options, SightSink& sink)
    : state_(std::make_unique<State>(std::move(options), sink)) {}

Responders::~Responders() { stop(); }

Status Responders::start() {
  auto poller = io::Poller::open();
  if (!poller) return std::unexpected(poller.error());
  auto wakeup = io::Wakeup::open();
  if (!wakeup) return std::unexpected(wakeup.error());
  if (auto added = poller->add(wakeup->fd(), EPOLLIN, kWakeupToken); !added) return added;
  state_->poller.emplace(std::move(*poller));
  state_->wakeup.emplace(std::move(*wakeup));
  state_->running = true;
  state_->thread = std::thread([state = state_.get()] { state->loop(); });
  return {};
}

Status Responders::add_place(const NamespaceName& name, const std::string& path) {
  return state_->command([state = state_.get(), name, path]() -> Status {
    const auto [place, fresh] = state->places.try_emplace(name);
    if (fresh) place->second.path = path;
    return {};
  });
}

Status Responders::add(const ResponderSpec& spec) {
  return state_->command([state = state_.get(), spec] { return state->add(spec); });
}

void Responders::remove(std::uint32_t id) {
  // Not running means that nothing is left to remove.
  [[maybe_unused]] const auto done = state_->command([state = state_.get(), id]() -> Status {
    state->remove(id);
    return {};
  });
}

Status Responders::guard_sctp(const NamespaceName& place) {
  return state_->command([state = state_.get(), place]() -> Status {
    const auto found = state->places.find(place);
    if (found == state->places.end())
      return fail(ErrorCode::kNotFound, name_of(place) + ": this agent has no such place");
    return state->open_raw(found->second, Protocol::kSctp);
  });
}

void Responders::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->running) return;
    state_->running = false;
  }
  state_->wakeup->ring();
  state_->thread.join();
  state_->entries.clear();
  state_->places.clear();
  if (!state_->desk.sights.empty()) state_->sink.sights(std::exchange(state_->desk.sights, {}));
}

std::vector<LossCounter> Responders::losses() const { return state_->losses.snapshot(); }

}  // namespace conntruth::respond
