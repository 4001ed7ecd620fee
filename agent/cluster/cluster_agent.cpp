#include "agent/cluster/cluster_agent.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>

#include "agent/capabilities.hpp"
#include "agent/cluster/anchors.hpp"
#include "agent/cluster/health.hpp"
#include "agent/cluster/lease_watch.hpp"
#include "agent/cluster/local_proxy.hpp"
#include "agent/cluster/summons.hpp"
#include "agent/node_run.hpp"
#include "agent/stop_signals.hpp"
#include "kube/access.hpp"
#include "kube/direct.hpp"

namespace conntruth::agent {

namespace {

using Steady = std::chrono::steady_clock;
using TimePoint = Steady::time_point;

constexpr std::chrono::seconds kFirstDelay{1};
constexpr std::chrono::seconds kLongestDelay{30};
// So long may the watch of the Lease fail before the API server is looked for anew.
constexpr std::chrono::seconds kTroubleBeforeSearch{15};

// What is tried again later, and later each time.
class Retry {
 public:
  [[nodiscard]] bool due(TimePoint now) const { return now >= next_; }
  [[nodiscard]] TimePoint next() const { return next_; }
  [[nodiscard]] std::chrono::seconds failed(TimePoint now) {
    const auto delay = delay_;
    next_ = now + delay;
    delay_ = std::min(2 * delay_, kLongestDelay);
    return delay;
  }
  void reset() { *this = {}; }

 private:
  TimePoint next_;
  std::chrono::seconds delay_ = kFirstDelay;
};

// A session under way, on a thread of its own.
struct Serving {
  Summons summons;
  std::vector<Anchor> anchors;
  std::unique_ptr<NodeRun> run;
  std::future<Status> ended;
  bool called_off = false;  // by us: its Lease is gone
};

class ClusterAgent {
 public:
  ClusterAgent(ClusterOptions options, kube::Access access)
      : options_(std::move(options)), access_(std::move(access)), health_(options_.state_directory) {}

  Status run() {
    if (auto writable = health_.write(false, "starting"); !writable) return writable;
    while (!stopping()) {
      take_note();
      const auto now = Steady::now();
      keep_watching(now);
      if (serving_) {
        look_after_session(now);
      } else {
        answer_summons(now);
      }
      report_health(now);
      wait();
    }
    if (serving_) {
      serving_->run->request_stop();
      if (const auto ended = serving_->ended.get(); !ended) spdlog::warn("{}", ended.error().message);
    }
    return {};
  }

  void request_stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    announce();
  }

 private:
  [[nodiscard]] bool stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }
  // With the lock held: something of what is under it is another now.
  void announce() {
    ++announced_;
    news_.notify_all();
  }
  // What is announced from here on ends the next wait().
  void take_note() {
    const std::lock_guard lock(mutex_);
    noted_ = announced_;
  }

  // Looks for the API server where there is no watch, or where that has been in trouble for long.
  void keep_watching(TimePoint now) {
    std::optional<TimePoint> trouble;
    {
      const std::lock_guard lock(mutex_);
      trouble = trouble_since_;
    }
    const bool lost = watch_ && trouble && now - *trouble >= kTroubleBeforeSearch;
    if ((watch_ && !lost) || !search_.due(now)) return;
    watch_.reset();
    kube::ClientOptions client;
    client.user_agent = "conntruth-agent";
    auto found =
        kube::connect_directly(access_, client, {options_.api_server, options_.state_directory + "/api-servers"});
    if (!found) {
      const auto delay = search_.failed(Steady::now());
      spdlog::warn("{}; trying again in {} s", found.error().message, delay.count());
      return;
    }
    search_.reset();
    if (found->direct) {
      spdlog::info("API server {}", found->by);
    } else {
      spdlog::warn("API server by way of its Service, which a broken dataplane can cut: {}", found->by);
    }
    {
      const std::lock_guard lock(mutex_);
      trouble_since_.reset();
      synced_ = false;
    }
    watch_ = std::make_unique<LeaseWatch>(std::move(found->client), options_.namespace_name, handlers());
  }

  LeaseWatch::Handlers handlers() {
    return {[this](std::string_view lease) {
              const std::lock_guard lock(mutex_);
              if (auto read = book_.seen(lease, Steady::now()); !read) spdlog::error("{}", read.error().message);
              announce();
            },
            [this] {
              const std::lock_guard lock(mutex_);
              book_.gone();
              announce();
            },
            [this] {
              const std::lock_guard lock(mutex_);
              synced_ = true;
              if (trouble_since_) spdlog::info("the API server answers again");
              trouble_since_.reset();
              announce();
            },
            [this](const Error& error) {
              const std::lock_guard lock(mutex_);
              if (!trouble_since_) {
                spdlog::warn("watching the controller's Lease: {}", error.message);
                trouble_since_ = Steady::now();
              }
              trouble_ = error.message;
              announce();
            }};
  }

  void answer_summons(TimePoint now) {
    std::optional<Summons> summons;
    {
      const std::lock_guard lock(mutex_);
      if (book_.live(now)) summons = book_.latest();
    }
    if (!summons || !watch_ || summons->lease == served_ || !attempt_.due(now)) return;
    if (auto begun = begin(*summons); !begun) {
      const auto delay = attempt_.failed(Steady::now());
      spdlog::error("{}; trying again in {} s", begun.error().message, delay.count());
    }
  }

  Status begin(const Summons& summons) {
    const auto addresses = anchor_addresses(watch_->client(), options_.namespace_name, options_.node);
    if (!addresses) return std::unexpected(addresses.error().in("this node's anchors"));
    auto search = find_anchors(options_.node, *addresses);
    if (!search) return std::unexpected(search.error());
    for (const auto& doubt : search->doubtful) spdlog::warn("{}; it is left alone", doubt);
    AppOptions app;
    app.node = options_.node;
    app.controller = summons.address;
    for (const auto& anchor : search->anchors) app.places[anchor.place] = anchor.path;
    app.budget = options_.budget;
    app.awaited = options_.awaited;
    app.give_up_after = options_.give_up_after;
    app.security = options_.security;
    app.dataplane = local_proxy();  // anew for each run: it may have been replaced
    app.find = [](const PodPlace& wanted) -> Result<FoundPlace> {
      auto pod = find_workload_pod(wanted.name, wanted.addresses);
      if (!pod) return std::unexpected(pod.error());
      return FoundPlace{std::move(pod->space), std::move(pod->path)};
    };
    serving_ = std::make_unique<Serving>();
    serving_->summons = summons;
    serving_->anchors = std::move(search->anchors);
    auto run = NodeRun::make(app, [this]() -> Status {
      for (const auto& anchor : serving_->anchors) {
        if (auto there = anchor.still_there(); !there) return there;
      }
      return {};
    });
    if (!run) {
      serving_.reset();
      return std::unexpected(run.error());
    }
    serving_->run = std::move(*run);
    spdlog::info("a run of {} wants agents at {}; {} anchors here", summons.holder, summons.address,
                 serving_->anchors.size());
    serving_->ended = std::async(std::launch::async, [this] {
      auto ended = serving_->run->serve();
      const std::lock_guard lock(mutex_);
      session_ended_ = true;
      announce();
      return ended;
    });
    return {};
  }

  // An API server that is away says nothing about the run: only a Lease that is seen to be gone or another's ends it.
  // A controller that died without a word is noticed by the session itself.
  void look_after_session(TimePoint now) {
    bool gone = false;
    bool ended = false;
    {
      const std::lock_guard lock(mutex_);
      gone = synced_ && book_.latest() != serving_->summons;
      ended = std::exchange(session_ended_, false);
    }
    if (!ended) {
      if (gone && !std::exchange(serving_->called_off, true)) {
        spdlog::info("the Lease of this run is gone");
        serving_->run->request_stop();
      }
      return;
    }
    const auto how = serving_->ended.get();
    if (how) {
      if (!serving_->called_off) served_ = serving_->summons.lease;
      attempt_.reset();
      spdlog::info("the run is over; waiting for the next one");
    } else {
      const auto delay = attempt_.failed(now);
      spdlog::error("{}; trying again in {} s if the run still wants agents then", how.error().message, delay.count());
    }
    serving_.reset();
  }

  void report_health(TimePoint now) {
    bool ready = false;
    std::string state;
    {
      const std::lock_guard lock(mutex_);
      ready = watch_ && synced_ && !trouble_since_;
      state = !watch_          ? "no API server answers"
              : trouble_since_ ? "watching the controller's Lease: " + trouble_
              : !synced_       ? "asking for the controller's Lease"
              : serving_       ? fmt::format("in a run of {}", serving_->summons.holder)
                               : "waiting for a run";
    }
    if (state == reported_ && now < report_due_) return;
    if (auto written = health_.write(ready, state); !written) spdlog::error("{}", written.error().message);
    reported_ = std::move(state);
    report_due_ = now + kHealthEvery;
  }

  // Until there is news or something is due.
  void wait() {
    std::unique_lock lock(mutex_);
    auto deadline = report_due_;
    const auto now = Steady::now();
    if (!watch_) deadline = std::min(deadline, search_.next());
    if (watch_ && trouble_since_) deadline = std::min(deadline, *trouble_since_ + kTroubleBeforeSearch);
    const auto& latest = book_.latest();
    if (!serving_ && book_.live(now) && latest && latest->lease != served_)
      deadline = std::min(deadline, attempt_.next());
    news_.wait_until(lock, deadline, [this] { return announced_ != noted_; });
  }

  const ClusterOptions options_;
  const kube::Access access_;
  const Health health_;

  // Of run()'s thread.
  std::unique_ptr<LeaseWatch> watch_;
  std::unique_ptr<Serving> serving_;
  std::string served_;  // the Lease of the run that told us to stop
  Retry search_;
  Retry attempt_;
  std::string reported_;
  TimePoint report_due_;

  std::mutex mutex_;
  std::condition_variable news_;
  std::uint64_t announced_ = 0;
  std::uint64_t noted_ = 0;
  SummonsBook book_;
  bool synced_ = false;  // the Lease was asked for, on this connection
  std::optional<TimePoint> trouble_since_;
  std::string trouble_;
  bool session_ended_ = false;
  bool stopping_ = false;
};

Result<kube::Access> find_access(const ClusterOptions& options) {
  auto query = kube::AccessQuery::from_environment();
  query.kubeconfig = options.kubeconfig;
  query.service_account = options.service_account;
  if (options.kubeconfig.empty()) {
    // In a pod nothing but its service account counts.
    query.kubeconfig_env.clear();
    query.home = "/nonexistent";
    if (query.service_host.empty() && !options.api_server.empty()) query.service_host = "kubernetes.default.svc";
  }
  auto access = kube::find_access(query);
  if (!access) return std::unexpected(access.error());
  if (options.api_server.empty()) return access;
  // A bad URL is told now, not again and again.
  if (auto fixed = kube::with_server(*access, options.api_server); !fixed) return std::unexpected(fixed.error());
  return access;
}

}  // namespace

Status run_in_cluster(const ClusterOptions& options) {
  if (auto allowed = check_capabilities(Duty::kDaemonSet); !allowed) return allowed;
  auto access = find_access(options);
  if (!access) return std::unexpected(access.error());
  std::mutex mutex;
  ClusterAgent* ending = nullptr;
  bool stopped_early = false;
  // The signals have to be blocked before the first other thread begins.
  auto signals = StopSignals::watch([&] {
    const std::lock_guard lock(mutex);
    stopped_early = true;
    if (ending != nullptr) ending->request_stop();
  });
  if (!signals) return std::unexpected(signals.error());
  ClusterAgent agent(options, std::move(*access));
  {
    const std::lock_guard lock(mutex);
    ending = &agent;
    if (stopped_early) agent.request_stop();
  }
  auto ended = agent.run();
  const std::lock_guard lock(mutex);
  ending = nullptr;
  return ended;
}

}  // namespace conntruth::agent
