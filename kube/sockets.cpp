#include "kube/sockets.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "common/address.hpp"

namespace conntruth::kube {

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Fd::~Fd() {
  if (number_ >= 0) ::close(number_);
}

int Fd::release() { return std::exchange(number_, -1); }

namespace {

using Candidates = Result<std::vector<Candidate>>;

Status enter(const std::string& path) {
  if (path.empty()) return {};
  const Fd target(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (target.get() < 0) return fail_errno(fmt::format("network namespace {}: open", path), errno);
  if (::setns(target.get(), CLONE_NEWNET) != 0)
    return fail_errno(fmt::format("network namespace {}: setns", path), errno);
  return {};
}

Candidates look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: no address for this name: {}; check the cluster's server field and the resolver", host,
                            ::gai_strerror(code)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<Candidate> result;
  int number = 0;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    Candidate candidate{
        Fd(::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), {}, each->ai_addrlen};
    if (candidate.socket.get() < 0) {
      number = errno;
      continue;
    }
    std::memcpy(&candidate.address, each->ai_addr, each->ai_addrlen);
    result.push_back(std::move(candidate));
  }
  if (result.empty()) return fail_errno(fmt::format("{}: socket", host), number);
  return result;
}

}  // namespace

Candidates make_sockets(const std::string& host, std::uint16_t port, const std::string& network_namespace,
                        std::chrono::steady_clock::time_point deadline) {
  if (network_namespace.empty() && IpAddress::parse(host)) return look_up(host, port);  // asks nobody
  std::packaged_task<Candidates()> task([host, port, network_namespace]() -> Candidates {
    if (const auto entered = enter(network_namespace); !entered) return std::unexpected(entered.error());
    return look_up(host, port);
  });
  auto made = task.get_future();
  std::thread maker(std::move(task));
  if (made.wait_until(deadline) == std::future_status::timeout) {
    maker.detach();
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: the name was not resolved in time; check the resolver (/etc/resolv.conf)", host));
  }
  maker.join();
  return made.get();
}

}  // namespace conntruth::kube
