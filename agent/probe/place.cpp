#include "agent/probe/place.hpp"

#include <unordered_map>

#include "agent/io/netns.hpp"
#include "agent/probe/crafted.hpp"
#include "agent/probe/dns_lookups.hpp"
#include "agent/probe/kept_connections.hpp"
#include "agent/probe/tcp_sockets.hpp"
#include "agent/probe/udp_sockets.hpp"

namespace conntruth::probe {

namespace {

constexpr std::uint64_t kWakeupToken = 1ULL << 31U;  // above every receiver, below every probe id
constexpr std::size_t kProbesPerTurn = io::kBatch;
// Probes of one task in a row, which meet warm caches on their way and wake their answerer once.
constexpr std::uint32_t kBurst = 32;
constexpr std::int64_t kGrainNs = 1'000'000;  // deadlines and budget are looked at this often at most
constexpr std::int64_t kCongestedNs = 5'000'000;

// When the walks of a place start: places start apart from each other, as their flows may be masqueraded to one
// address.
std::int64_t walk_start_ns(const Shared& shared, const NamespaceName& place) {
  return shared.start_ns +
         static_cast<std::int64_t>(std::hash<NamespaceName>()(place) % kSocketPorts.count) * kNsPerPort;
}

}  // namespace

class Place::Loop {
 public:
  Loop(Place& place, io::Poller poller)
      : place_(place),
        shared_(place.shared_),
        poller_(std::move(poller)),
        book_(shared_.options.window, shared_.options.awaited, shared_.options.batch,
              std::chrono::nanoseconds(shared_.options.flush).count(), shared_.sink, shared_.losses),
        udp_({book_, poller_, shared_.losses}, walk_start_ns(shared_, place.name_)),
        tcp_({book_, poller_, shared_.losses}, walk_start_ns(shared_, place.name_)),
        dns_({book_, poller_, shared_.losses}, walk_start_ns(shared_, place.name_)),
        kept_({book_, poller_, shared_.losses}, tcp_.walks()),
        crafted_({book_, poller_, shared_.losses}, walk_start_ns(shared_, place.name_)) {}

  Status open() { return poller_.add(place_.wakeup_->fd(), EPOLLIN, kWakeupToken); }
  void run();

 private:
  Prober& prober_of(const ProbeTask& task);
  void admit(std::int64_t now_ns);
  Status prepare(TaskState& task);
  void handle(std::span<const epoll_event> events, std::int64_t now_ns);
  // Sends what may be sent now; when to try again.
  std::int64_t send(std::int64_t now_ns);
  std::uint32_t send_burst(TaskState& task, std::uint32_t most, std::int64_t now_ns);
  void again(TaskState& task, std::int64_t now_ns);
  void tidy(std::int64_t now_ns);

  Place& place_;
  const Shared& shared_;
  io::Poller poller_;
  Book book_;
  UdpSockets udp_;
  TcpSockets tcp_;
  DnsLookups dns_;
  KeptConnections kept_;
  Crafted crafted_;
  TurnQueue<TaskState*> turns_;
  std::unordered_map<const TaskState*, std::unique_ptr<TaskState>> tasks_;
  bool sctp_guarded_ = false;
};

Prober& Place::Loop::prober_of(const ProbeTask& task) {
  if (task.connection != 0) return kept_;
  switch (task.method) {
    case Method::kUdpSocket:
      return udp_;
    case Method::kTcpSocket:
    case Method::kHttpGet:
      return tcp_;
    case Method::kDnsLookup:
      return dns_;
    case Method::kUdpCrafted:
    case Method::kTcpSyn:
    case Method::kSctpInit:
      return crafted_;
  }
  return crafted_;
}

Status Place::Loop::prepare(TaskState& task) {
  if (task.spec.method == Method::kSctpInit && !sctp_guarded_ && shared_.options.guard_sctp) {
    if (auto done = shared_.options.guard_sctp(place_.name_); !done) return done;
    sctp_guarded_ = true;
  }
  return prober_of(task.spec).prepare(task);
}

void Place::Loop::admit(std::int64_t now_ns) {
  place_.wakeup_->clear();
  std::vector<std::unique_ptr<TaskState>> arrived;
  {
    const std::lock_guard lock(place_.mutex_);
    arrived.swap(place_.inbox_);
  }
  for (auto& task : arrived) {
    if (auto done = prepare(*task); !done) {
      const auto where = place_.name_.empty() ? "node" : "place " + place_.name_;
      refuse_task(shared_.sink, task->assignment, task->spec, done.error().in(where).message, now_ns,
                  shared_.options.batch);
      continue;
    }
    book_.begin(*task);
    turns_.add(task.get(), now_ns, now_ns);
    const auto* key = task.get();
    tasks_.emplace(key, std::move(task));
  }
}

void Place::Loop::handle(std::span<const epoll_event> events, std::int64_t now_ns) {
  for (const auto& event : events) {
    const auto token = event.data.u64;
    if (token == kWakeupToken) {
      admit(now_ns);
    } else if (task_of(token) == 0) {
      crafted_.ready(token, event.events, now_ns);
    } else if (KeptConnections::owns(token)) {
      kept_.ready(token, event.events, now_ns);
    } else if (const auto* flight = book_.find(token)) {
      prober_of(flight->task->spec).ready(token, event.events, now_ns);
    } else {
      udp_.ready(token, event.events, now_ns);  // a task's shared socket
    }
  }
}

// At least one probe; more than one only of a task that may go on at once.
std::uint32_t Place::Loop::send_burst(TaskState& task, std::uint32_t most, std::int64_t now_ns) {
  const auto interval_ns = std::chrono::nanoseconds(task.spec.interval).count();
  // A pace that was missed is not caught up by a burst.
  task.due_ns = task.next == 0 || task.due_ns + 2 * interval_ns < now_ns ? now_ns : task.due_ns + interval_ns;
  std::uint32_t sent = 0;
  do {
    const auto id = probe_id(task.spec.id, task.next++);
    prober_of(task.spec).send(task, id, now_ns);
    ++sent;
  } while (sent < most && interval_ns == 0 && !task.one_at_a_time && !task.all_sent() && !task.on_probation());
  return sent;
}

void Place::Loop::again(TaskState& task, std::int64_t now_ns) {
  const auto interval_ns = std::chrono::nanoseconds(task.spec.interval).count();
  turns_.add(&task, interval_ns == 0 ? now_ns : std::max(task.due_ns + interval_ns, now_ns), now_ns);
}

std::int64_t Place::Loop::send(std::int64_t now_ns) {
  const auto ready = turns_.ready(now_ns);
  if (ready == 0) return turns_.next_due_ns();
  if (shared_.sink.congested()) return now_ns + kCongestedNs;
  const auto room = std::min(book_.room(now_ns), kProbesPerTurn);
  if (room == 0) return std::max(book_.next_room_ns(), now_ns + kGrainNs);
  const auto granted = shared_.budget.take(static_cast<std::uint32_t>(room), now_ns);
  if (granted == 0) return std::max(shared_.budget.next_ns(), now_ns + kGrainNs);
  std::uint32_t sent = 0;
  while (sent < granted && turns_.ready(now_ns) > 0) {
    auto& task = *turns_.take();
    sent += send_burst(task, std::min(granted - sent, kBurst), now_ns);
    if (task.all_sent()) book_.sent_all(task);
    if (task.one_at_a_time || task.all_sent()) continue;
    if (task.on_probation()) {
      book_.hold(task);
    } else {
      again(task, now_ns);
    }
  }
  crafted_.flush(now_ns);
  shared_.budget.give_back(granted - sent);
  return now_ns;
}

void Place::Loop::tidy(std::int64_t now_ns) {
  book_.release_silent(now_ns);
  book_.notice_quiet(now_ns);
  for (auto* task : book_.take_rested()) again(*task, now_ns);
  for (auto* task : book_.take_finished()) {
    turns_.remove(task);
    prober_of(task->spec).forget(*task);
    tasks_.erase(task);
  }
  book_.flush(now_ns);
}

void Place::Loop::run() {
  auto now_ns = shared_.clock.now_ns();
  admit(now_ns);
  while (!place_.stopping()) {
    auto next_ns = send(now_ns);
    tidy(now_ns);
    const auto book_ns = book_.next_ns();
    if (book_ns != INT64_MAX) next_ns = std::min(next_ns, std::max(book_ns, now_ns + kGrainNs));
    const auto events = poller_.wait(next_ns, now_ns);
    const auto before_ns = now_ns;
    now_ns = shared_.clock.now_ns();
    handle(events, now_ns);
    // A probe runs out of time only when its answer was not among what could be read after its deadline.
    if (events.size() + 1 < io::Poller::kEvents) book_.expire(before_ns);
    tidy(now_ns);
  }
}

Place::Place(NamespaceName name, std::string path, const Shared& shared)
    : name_(std::move(name)), path_(std::move(path)), shared_(shared) {}

Place::~Place() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  if (wakeup_) wakeup_->ring();
  if (thread_.joinable()) thread_.join();
}

Status Place::start() {
  auto wakeup = io::Wakeup::open();
  if (!wakeup) return std::unexpected(wakeup.error());
  wakeup_.emplace(std::move(*wakeup));
  // Entered here as well, so that a path that leads nowhere is told to the caller.
  if (auto entered = io::in_network_namespace(path_, [] { return Status{}; }); !entered) return entered;
  auto poller = io::Poller::open();
  if (!poller) return std::unexpected(poller.error());
  auto loop = std::make_unique<Loop>(*this, std::move(*poller));
  if (auto opened = loop->open(); !opened) return opened;
  thread_ = std::thread([this, running = std::move(loop)] {
    if (io::enter_network_namespace(path_)) running->run();
  });
  return {};
}

void Place::add(std::unique_ptr<TaskState> task) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(task));
  }
  wakeup_->ring();
}

bool Place::stopping() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

}  // namespace conntruth::probe
