#include "agent/cluster/anchors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/io/kernel_address.hpp"
#include "agent/io/netns.hpp"

namespace conntruth::agent {

namespace {

using nlohmann::json;

// A pod that is told to end has ten seconds in all.
constexpr std::chrono::seconds kPodsWithin{5};

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto* begin = std::to_address(text.begin());
  const auto* end = begin + text.size();
  const auto [stopped, error] = std::from_chars(begin, end, value);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

// A container is called running once its process may begin; it becomes `conntruth-anchor workload` a little later.
constexpr std::chrono::seconds kBegunWithin{2};
constexpr int kLookAgainMs = 20;

// X of "conntruth-anchor X ...", wherever the program lies; "" for other programs.
std::string role_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", pid), std::ios::binary);
  std::string program;
  std::string role;
  if (!std::getline(file, program, '\0') || !std::getline(file, role, '\0')) return {};
  return program.substr(program.rfind('/') + 1) == "conntruth-anchor" ? role : std::string();
}

// Processes of ours in the order of their numbers.
std::vector<std::pair<pid_t, std::string>> processes() {
  std::vector<std::pair<pid_t, std::string>> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto pid = number_of<pid_t>(entry.path().filename().string());
    if (!pid) continue;
    if (auto role = role_of(*pid); !role.empty()) found.emplace_back(*pid, std::move(role));
  }
  std::ranges::sort(found);
  return found;
}

std::vector<std::pair<pid_t, unsigned>> candidates() {
  std::vector<std::pair<pid_t, unsigned>> found;
  for (const auto& [pid, role] : processes()) {
    if (const auto ordinal = number_of<unsigned>(role)) found.emplace_back(pid, *ordinal);
  }
  return found;
}

Result<std::set<IpAddress>> addresses_of(const std::string& path) {
  std::set<IpAddress> addresses;
  const auto done = io::in_network_namespace(path, [&addresses]() -> Status {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return fail_errno("list addresses", errno);
    for (const auto* each = list; each != nullptr; each = each->ifa_next) {
      if (each->ifa_addr == nullptr) continue;
      const auto family = each->ifa_addr->sa_family;
      if (family != AF_INET && family != AF_INET6) continue;
      io::KernelAddress kernel{};
      std::memcpy(&kernel, each->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
      addresses.insert(io::from_kernel(kernel).address);
    }
    freeifaddrs(list);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return addresses;
}

// The process and its namespace, pinned. kNotFound: it has ended meanwhile.
Result<Anchor> hold(const NamespaceName& place, pid_t pid) {
  Anchor anchor{place, pid, {}, {}, {}};
  anchor.process = io::Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const auto path = fmt::format("/proc/{}/ns/net", pid);
  anchor.space = io::Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const int number = errno;
  if (!anchor.process || !anchor.still_there()) return fail(ErrorCode::kNotFound, "it has ended");
  if (!anchor.space) {
    return fail_errno(fmt::format("open {} of anchor {}, which needs CAP_SYS_PTRACE", path, anchor.place), number);
  }
  anchor.path = fmt::format("/proc/self/fd/{}", anchor.space.get());
  return anchor;
}

}  // namespace

Status Anchor::still_there() const {
  pollfd watched{process.get(), POLLIN, 0};
  if (poll(&watched, 1, 0) == 0) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("place {}: its process {}, conntruth-anchor, has ended (a rollout, a restart?); run again",
                          place, pid));
}

Result<std::set<IpAddress>> addresses_in(const std::string& pod_list) {
  std::set<IpAddress> addresses;
  const auto list = json::parse(pod_list, nullptr, false);
  try {
    for (const auto& pod : list.at("items")) {
      if (pod.at("metadata").contains("deletionTimestamp") || !pod.contains("status")) continue;
      for (const auto& each : pod.at("status").value("podIPs", json::array())) {
        if (const auto address = IpAddress::parse(each.at("ip").get<std::string>())) addresses.insert(*address);
      }
    }
  } catch (const json::exception& wrong) {
    return fail(ErrorCode::kInvalidInput, fmt::format("the list of anchor pods is not understood: {}", wrong.what()));
  }
  return addresses;
}

Result<std::set<IpAddress>> anchor_addresses(kube::Client& client, const std::string& namespace_name,
                                             const std::string& node) {
  auto request =
      kube::list(kube::kPods, namespace_name, "app.kubernetes.io/name=conntruth,app.kubernetes.io/component=anchor");
  request.query.emplace_back("fieldSelector", "spec.nodeName=" + node);
  const auto answer = client.call(request, client.deadline_in(kPodsWithin));
  if (!answer) return std::unexpected(answer.error());
  return addresses_in(answer->body);
}

Result<AnchorSearch> find_anchors(const std::string& node, const std::set<IpAddress>& addresses) {
  AnchorSearch search;
  for (const auto& [pid, ordinal] : candidates()) {
    auto anchor = hold(fmt::format("{}-pod-{}", node, ordinal), pid);
    if (!anchor && anchor.error().code == ErrorCode::kNotFound) continue;
    if (!anchor) return std::unexpected(anchor.error());
    const auto own = addresses_of(anchor->path);
    if (!own) return std::unexpected(own.error().in("anchor " + anchor->place));
    const auto is_ours = [&addresses](const IpAddress& address) { return addresses.contains(address); };
    if (std::ranges::none_of(*own, is_ours)) {
      search.doubtful.push_back(
          fmt::format("process {}, conntruth-anchor {}: no anchor pod of this node has its address", pid, ordinal));
    } else if (std::ranges::find(search.anchors, anchor->place, &Anchor::place) != search.anchors.end()) {
      search.doubtful.push_back(fmt::format("process {}: there is a place {} already", pid, anchor->place));
    } else {
      search.anchors.push_back(std::move(*anchor));
    }
  }
  std::ranges::sort(search.anchors, {}, &Anchor::place);
  return search;
}

namespace {

Result<Anchor> look_for_workload_pod(const NamespaceName& place, const std::vector<IpAddress>& addresses) {
  for (const auto& [pid, role] : processes()) {
    if (role != "workload") continue;
    auto pod = hold(place, pid);
    if (!pod && pod.error().code == ErrorCode::kNotFound) continue;
    if (!pod) return std::unexpected(pod.error());
    const auto own = addresses_of(pod->path);
    if (!own) return std::unexpected(own.error().in("pod " + place));
    const auto is_own = [&own](const IpAddress& address) { return own->contains(address); };
    if (std::ranges::any_of(addresses, is_own)) return pod;
  }
  return fail(
      ErrorCode::kNotFound,
      fmt::format("place {}: no process `conntruth-anchor workload` of this node has an address of that pod", place));
}

}  // namespace

Result<Anchor> find_workload_pod(const NamespaceName& place, const std::vector<IpAddress>& addresses) {
  const auto deadline = std::chrono::steady_clock::now() + kBegunWithin;
  while (true) {
    auto pod = look_for_workload_pod(place, addresses);
    const bool may_come = !pod && pod.error().code == ErrorCode::kNotFound;
    if (!may_come || std::chrono::steady_clock::now() >= deadline) return pod;
    poll(nullptr, 0, kLookAgainMs);
  }
}

}  // namespace conntruth::agent
