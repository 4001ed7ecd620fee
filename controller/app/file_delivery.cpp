#include <poll.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "controller/app/world_delivery.hpp"

namespace conntruth::app {

namespace {

using std::chrono::steady_clock;

// Wakes up when a file of the directory is replaced.
class DirectoryWatch {
 public:
  explicit DirectoryWatch(const std::string& path) : descriptor_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    inotify_add_watch(descriptor_, path.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE);
  }
  ~DirectoryWatch() { close(descriptor_); }
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  // False when the deadline passes first.
  [[nodiscard]] bool wait(steady_clock::time_point deadline) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{descriptor_, POLLIN, 0};
    if (poll(&entry, 1, static_cast<int>(left.count())) <= 0) return false;
    std::array<char, 4096> events{};
    return read(descriptor_, events.data(), events.size()) > 0;
  }

 private:
  int descriptor_;
};

class FileDelivery final : public WorldDelivery {
 public:
  explicit FileDelivery(lab::Lab lab) : lab_(std::move(lab)) {}

  Result<std::int64_t> publish(const world::World& world) override {
    const auto at_ns = monotonic_ns();
    if (auto published = lab_.publish(world); !published) return std::unexpected(published.error());
    return at_ns;
  }

  std::vector<Programmed> wait_programmed(std::uint64_t generation, steady_clock::time_point deadline) override {
    const DirectoryWatch watch(lab_.directory() + "/proxy");  // before the first look, so that nothing is missed
    auto reports = programmed(generation);
    while (reports.size() < lab_.topology().nodes.size() && watch.wait(deadline)) reports = programmed(generation);
    return reports;
  }

  Environment::Patience patience() const override {
    // All nodes share one machine: every hop of a probe waits for a turn among them.
    constexpr std::chrono::milliseconds kOfEachNode{100};
    const auto answer =
        std::max<std::chrono::milliseconds>(std::chrono::seconds(1), lab_.topology().nodes.size() * kOfEachNode);
    // A lab's nodes remember fixed flows (lab/topology/wiring.cpp), and the reference proxy says that it has a world
    // when it has moved all flows.
    constexpr std::chrono::milliseconds kFixedPace{20};
    return {std::chrono::seconds(2), std::chrono::seconds(2), std::chrono::seconds(2), answer, kFixedPace};
  }

 private:
  [[nodiscard]] std::vector<Programmed> programmed(std::uint64_t generation) const {
    std::vector<Programmed> result;
    for (auto& report : lab_.proxy_reports()) {
      if (report.generation < generation) continue;
      result.push_back({report.node, report.generation, report.at_ns, report.error});
    }
    return result;
  }
  lab::Lab lab_;
};

bool runs_reference_proxies(const lab::LabSpec& spec) {
  const auto is_reference = [](const auto& entry) { return entry.second == "reference"; };
  const bool by_default = spec.proxy == "reference" && spec.node_proxies.size() < spec.nodes;
  return by_default || std::ranges::any_of(spec.node_proxies, is_reference);
}

}  // namespace

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

std::unique_ptr<WorldDelivery> deliver_by_file(lab::Lab lab) { return std::make_unique<FileDelivery>(std::move(lab)); }

Result<std::unique_ptr<WorldDelivery>> delivery_for(const lab::Lab& lab) {
  const auto access = lab.kubernetes();
  if (!access) return deliver_by_file(lab);
  return deliver_by_api(*access, runs_reference_proxies(lab.spec()) ? std::optional(lab) : std::nullopt);
}

}  // namespace conntruth::app
