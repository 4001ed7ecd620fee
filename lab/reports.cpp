#include "lab/reports.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/file.hpp"
#include "lab/files.hpp"
#include "lab/kubernetes/proxy_choice.hpp"
#include "lab/topology/fd.hpp"
#include "lab/topology/process_table.hpp"

namespace conntruth::lab {

namespace {

using Clock = std::chrono::steady_clock;

std::optional<ProxyReport> read_report(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::nullopt;
  const auto document = nlohmann::json::parse(*text, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  try {
    ProxyReport report;
    report.node = document.value("node", "");
    report.generation = document.value("generation", std::uint64_t{0});
    report.at_ns = document.value("at_ns", std::int64_t{0});
    report.changed = document.value("changed", std::uint64_t{0});
    report.error = document.value("error", "");
    return report;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

// The last thing that the proxy printed: a lab that does not come up takes its logs with it.
std::string last_words(const Lab& lab, const std::string& node) {
  auto text = read_file(fmt::format("{}/log/{}-proxy.log", lab.directory(), node)).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return text.empty() ? "it printed nothing" : "its last words: " + text.substr(text.rfind('\n') + 1);
}

// Names of nodes that have not reported yet; an error where one reported that it failed.
Result<std::vector<std::string>> missing(const Lab& lab, std::uint64_t generation) {
  const auto reports = lab.proxy_reports();
  std::vector<std::string> nodes;
  for (const auto& node : lab.topology().nodes) {
    if (proxy_of(lab.spec(), node.name) != kReference) continue;
    const auto found = std::ranges::find(reports, node.name, &ProxyReport::node);
    if (found == reports.end() || found->generation < generation) {
      nodes.push_back(node.name);
    } else if (!found->error.empty()) {
      return fail(ErrorCode::kUnavailable, fmt::format("{}: its proxy could not program generation {}: {}", node.name,
                                                       generation, found->error));
    }
  }
  return nodes;
}

struct Watched {
  std::string node;
  Fd pidfd;
};

Result<std::vector<Watched>> watch_proxies(const Lab& lab) {
  const auto processes = lab.processes();
  if (!processes) return std::unexpected(processes.error());
  std::vector<Watched> watched;
  for (const auto& each : *processes) {
    if (each.kind != kReference) continue;
    if (each.init == 0) {
      return fail(ErrorCode::kUnavailable, fmt::format("{} is gone (its init ended); `conntruth lab down {}` and make "
                                                       "the lab again",
                                                       each.node, lab.spec().name));
    }
    const auto process = each.proxy == 0 ? std::nullopt : read_process(each.proxy);
    auto pidfd = process ? open_process(*process) : Result<Fd>(fail(ErrorCode::kNotFound, ""));
    if (!pidfd) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{}: its proxy is not running; {}", each.node, last_words(lab, each.node)));
    }
    watched.push_back({each.node, std::move(*pidfd)});
  }
  return watched;
}

// Sleeps until something happens; kUnavailable where a proxy ended or the time is up.
Status wait_for_news(const Lab& lab, int events, const std::vector<Watched>& proxies, Clock::time_point deadline,
                     const std::string& waiting_for) {
  std::vector<pollfd> waits{{events, POLLIN, 0}};
  for (const auto& proxy : proxies) waits.push_back({proxy.pidfd.get(), POLLIN, 0});
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(std::max<long>(left, 0)));
  if (ready < 0 && errno != EINTR) return fail_errno("poll", errno);
  if (ready == 0) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: its proxy has not followed in time; {}", waiting_for, last_words(lab, waiting_for)));
  }
  for (std::size_t index = 0; index < proxies.size(); ++index) {
    if (waits[index + 1].revents == 0) continue;
    const auto& node = proxies[index].node;
    return fail(ErrorCode::kUnavailable, fmt::format("{}: its proxy ended; {}", node, last_words(lab, node)));
  }
  std::array<char, 4096> drained{};
  if ((waits[0].revents & POLLIN) != 0) [[maybe_unused]]
    const auto length = ::read(events, drained.data(), drained.size());
  return {};
}

}  // namespace

std::vector<ProxyReport> Lab::proxy_reports() const {
  std::vector<ProxyReport> reports;
  for (const auto& node : topology_.nodes) {
    if (auto report = read_report(fmt::format("{}/proxy/{}.json", directory(), node.name))) {
      reports.push_back(std::move(*report));
    }
  }
  return reports;
}

Status await_generation(const Lab& lab, std::uint64_t generation, std::chrono::milliseconds timeout) {
  if (!uses_proxy(lab.spec(), kReference)) return {};
  const auto deadline = Clock::now() + timeout;
  const Fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const auto reports = lab.directory() + "/proxy";
  if (!events || ::inotify_add_watch(events.get(), reports.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE) < 0) {
    return fail_errno("watch " + reports, errno);
  }
  const auto proxies = watch_proxies(lab);
  if (!proxies) return std::unexpected(proxies.error());
  while (true) {
    const auto nodes = missing(lab, generation);
    if (!nodes) return std::unexpected(nodes.error());
    if (nodes->empty()) return {};
    if (auto news = wait_for_news(lab, events.get(), *proxies, deadline, nodes->front()); !news) return news;
  }
}

}  // namespace conntruth::lab
