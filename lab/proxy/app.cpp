#include "lab/proxy/app.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>

#include "common/world/world_reader.hpp"
#include "lab/proxy/dataplane.hpp"
#include "lab/proxy/directory_watch.hpp"
#include "lab/proxy/health_server.hpp"
#include "lab/proxy/report.hpp"
#include "lab/proxy/service_view.hpp"

namespace conntruth::lab_proxy {
namespace {

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Turns the signals we act on into something to read.
Result<int> open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return fail_errno("block signals", errno);
  const int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return fail_errno("open signalfd", errno);
  return fd;
}

class Proxy {
 public:
  Proxy(const AppOptions& options, Dataplane dataplane, HealthServer health_server)
      : options_(options), dataplane_(std::move(dataplane)), health_server_(std::move(health_server)), report_{} {
    report_.node = options.node;
  }

  // Brings the node to the world in the file. False where that failed; then the old rules stand.
  bool follow() {
    const auto status = follow_file();
    show_health(status.has_value());
    report_.error = status ? "" : status.error().message;
    if (!status) spdlog::error("{}; the rules of generation {} stay", report_.error, report_.generation);
    if (const auto written = write_report(report_, options_.report_path); !written) {
      spdlog::error("{}", written.error().message);
      return false;
    }
    return status.has_value();
  }

  void rebuild() {
    dataplane_.forget();
    follow();
  }

  [[nodiscard]] HealthServer& health_server() { return health_server_; }

  bool remove() {
    const auto status = dataplane_.remove();
    if (!status) spdlog::error("{}", status.error().message);
    return status.has_value();
  }

 private:
  Status follow_file() {
    const auto world = world::read_world_file(options_.world_path);
    if (!world) return std::unexpected(world.error());
    const auto begin = monotonic_ns();
    const auto applied = dataplane_.apply(*world);
    if (!applied) return std::unexpected(applied.error().in("generation " + std::to_string(world->generation)));
    health_ = health_of(*world, place_of(*world, options_.node));
    report_.generation = world->generation;
    report_.at_ns = applied->at_ns;
    report_.changed = applied->changed;
    if (!applied->warning.empty()) spdlog::warn("{}", applied->warning);
    spdlog::info("generation {}: {} objects changed in {:.1f} ms, {} stale UDP flows removed", world->generation,
                 applied->changed, static_cast<double>(applied->at_ns - begin) / 1e6, applied->stale_flows);
    return {};
  }

  // Of the world whose rules are in the kernel.
  void show_health(bool synced) {
    health_.synced = synced;
    if (const auto shown = health_server_.show(health_); !shown) spdlog::warn("{}", shown.error().message);
  }

  const AppOptions& options_;
  Dataplane dataplane_;
  HealthServer health_server_;
  Health health_;
  Report report_;
};

// Waits for the next signal, change or request. Returns the signal, or 0.
int wait(DirectoryWatch& watch, int signals, HealthServer& health_server, bool& world_changed) {
  std::array<pollfd, 3> sources{{{watch.fd(), POLLIN, 0}, {signals, POLLIN, 0}, {health_server.fd(), POLLIN, 0}}};
  if (poll(sources.data(), sources.size(), -1) < 0) return errno == EINTR ? 0 : SIGTERM;
  health_server.serve();
  world_changed = watch.drain();
  signalfd_siginfo info{};
  return read(signals, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

int serve(Proxy& proxy, DirectoryWatch& watch, int signals, const std::string& world_path) {
  if (std::filesystem::exists(world_path)) {
    proxy.follow();
  } else {
    spdlog::info("waiting for {}", world_path);
  }
  for (;;) {
    bool world_changed = false;
    const int signal = wait(watch, signals, proxy.health_server(), world_changed);
    if (signal == SIGTERM || signal == SIGINT) return proxy.remove() ? 0 : 1;
    if (signal == SIGHUP) {
      proxy.rebuild();
    } else if (world_changed) {
      proxy.follow();
    }
  }
}

Result<int> start(const AppOptions& options) {
  auto dataplane = Dataplane::open({options.node, options.cluster_ip_ranges, monotonic_ns});
  if (!dataplane) return std::unexpected(dataplane.error());
  auto health_server = HealthServer::open();
  if (!health_server) return std::unexpected(health_server.error());
  Proxy proxy(options, std::move(*dataplane), std::move(*health_server));
  if (options.once) return proxy.follow() ? 0 : 1;
  auto watch = DirectoryWatch::open(options.world_path);
  if (!watch) return std::unexpected(watch.error());
  const auto signals = open_signals();
  if (!signals) return std::unexpected(signals.error());
  const int code = serve(proxy, *watch, *signals, options.world_path);
  close(*signals);
  return code;
}

}  // namespace

int run(const AppOptions& options) {
  const auto code = start(options);
  if (code) return *code;
  spdlog::error("{}", code.error().message);
  return 1;
}

}  // namespace conntruth::lab_proxy
