#include "agent/observe/conntrack.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "agent/io/netns.hpp"
#include "agent/io/socket.hpp"

namespace conntruth::observe {

namespace {

constexpr std::size_t kAnswerBytes = 8192;  // an entry has some hundred
constexpr std::size_t kDumpBytes = 65'536;  // the kernel fills as much as is there to be read, up to 32 KiB

}  // namespace

Result<Conntrack> Conntrack::open(const std::string& netns) {
  io::Fd socket;
  const auto opened = io::in_network_namespace(netns, [&socket]() -> Status {
    auto made = io::open_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
    if (!made) return std::unexpected(made.error());
    sockaddr_nl self{};
    self.nl_family = AF_NETLINK;
    if (bind(made->get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0)
      return fail_errno("bind to netfilter's netlink", errno);
    socket = std::move(*made);
    return {};
  });
  if (!opened) return std::unexpected(opened.error());
  return Conntrack(std::move(socket));
}

Status Conntrack::send(const std::vector<std::uint8_t>& question) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (sendto(socket_.get(), question.data(), question.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
             sizeof kernel) < 0)
    return fail_errno("ask connection tracking", errno);
  return {};
}

// The kernel answers within the call that asks, so nothing has to be waited for.
Result<std::optional<ConntrackEntry>> Conntrack::find(const FlowTuple& original, std::uint16_t zone) {
  if (auto sent = send(conntrack_question(original, zone, ++sequence_)); !sent) return std::unexpected(sent.error());
  std::array<std::uint8_t, kAnswerBytes> buffer{};
  while (true) {
    const auto size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return fail(ErrorCode::kUnavailable, "connection tracking did not answer");
    if (size < 0) return fail_errno("read connection tracking's answer", errno);
    if (static_cast<std::size_t>(size) > buffer.size())
      return fail(ErrorCode::kInvalidInput, "connection tracking's answer is longer than any entry");
    const auto answers = read_conntrack_answers(std::span(buffer).first(static_cast<std::size_t>(size)));
    if (!answers) return std::unexpected(answers.error());
    for (const auto& answer : *answers) {
      if (answer.sequence != sequence_) continue;  // of a question whose answer was not read to its end
      if (answer.error == ENOENT) return std::optional<ConntrackEntry>();
      if (answer.error != 0) return fail_errno("connection tracking refuses the question", answer.error);
      // The kernel also finds an entry by its other direction, which is another flow's.
      if (answer.entry && answer.entry->original == original) return answer.entry;
      if (answer.entry) return std::optional<ConntrackEntry>();
    }
  }
}

// Each read makes the kernel write the next part, so nothing has to be waited for here either.
Status Conntrack::dump(const std::function<void(const ConntrackEvent&)>& take) {
  if (auto sent = send(conntrack_dump_question(++sequence_)); !sent) return sent;
  std::vector<std::uint8_t> buffer(kDumpBytes);
  while (true) {
    const auto size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("read connection tracking's entries", errno);
    if (static_cast<std::size_t>(size) > buffer.size())
      return fail(ErrorCode::kInvalidInput, "a part of connection tracking's entries is longer than any");
    const auto news = read_conntrack_events(std::span(buffer).first(static_cast<std::size_t>(size)), take);
    if (!news) return std::unexpected(news.error());
    if (news->error != 0) return fail_errno("connection tracking does not list its entries", news->error);
    if (news->done) return {};
  }
}

bool answers() {
  auto conntrack = Conntrack::open("");
  return conntrack && conntrack->find({.protocol = Protocol::kTcp, .source = {}, .destination = {}});
}

}  // namespace conntruth::observe
