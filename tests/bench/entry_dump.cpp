// What following connection tracking costs an agent on a node with many foreign entries: fills the table of a network
// namespace of its own, lists it as agents do before and after witnesses, and prints one line of JSON. The table's
// limit is the whole machine's; where it may be raised it is, and put back at the end.
//
//   bench_entry_dump [--entries 1000000]

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <vector>

#include "agent/observe/conntrack.hpp"
#include "agent/observe/entry_ledger.hpp"

namespace conntruth::observe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLimit = "/proc/sys/net/netfilter/nf_conntrack_max";

std::uint64_t number_in(const char* path) {
  std::uint64_t number = 0;
  std::ifstream(path) >> number;
  return number;
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

void put_tuple(nlmsghdr* header, std::uint16_t type, std::uint32_t source, std::uint32_t destination,
               std::uint16_t source_port, std::uint16_t destination_port) {
  auto* whole = mnl_attr_nest_start(header, type);
  auto* addresses = mnl_attr_nest_start(header, CTA_TUPLE_IP);
  mnl_attr_put_u32(header, CTA_IP_V4_SRC, htonl(source));
  mnl_attr_put_u32(header, CTA_IP_V4_DST, htonl(destination));
  mnl_attr_nest_end(header, addresses);
  auto* transport = mnl_attr_nest_start(header, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(header, CTA_PROTO_NUM, IPPROTO_UDP);
  mnl_attr_put_u16(header, CTA_PROTO_SRC_PORT, htons(source_port));
  mnl_attr_put_u16(header, CTA_PROTO_DST_PORT, htons(destination_port));
  mnl_attr_nest_end(header, transport);
  mnl_attr_nest_end(header, whole);
}

// One entry each: clients 10.0.0.0/12, each with 1024 ports, of a Service that translates.
std::size_t put_entry(void* buffer, std::uint32_t index) {
  auto* header = mnl_nlmsg_put_header(buffer);
  header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8U | IPCTNL_MSG_CT_NEW;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  family->nfgen_family = AF_INET;
  const std::uint32_t client = 0x0A000000U + index / 1024;
  const auto port = static_cast<std::uint16_t>(20'000 + index % 1024);
  put_tuple(header, CTA_TUPLE_ORIG, client, 0x0A60000AU, port, 80);
  put_tuple(header, CTA_TUPLE_REPLY, 0x0AF40109U, client, 8080, port);
  mnl_attr_put_u32(header, CTA_TIMEOUT, htonl(3600));
  mnl_attr_put_u32(header, CTA_STATUS, htonl(0x8));
  return header->nlmsg_len;
}

bool fill(std::uint32_t entries) {
  auto* socket = mnl_socket_open(NETLINK_NETFILTER);
  if (socket == nullptr || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0) return false;
  std::vector<std::uint8_t> buffer(16'384);
  std::size_t used = 0;
  bool sent = true;
  for (std::uint32_t i = 0; i < entries && sent; ++i) {
    used += put_entry(buffer.data() + used, i);
    if (used < buffer.size() - 512 && i + 1 < entries) continue;
    sent = mnl_socket_sendto(socket, buffer.data(), used) >= 0;
    used = 0;
  }
  mnl_socket_close(socket);
  return sent;
}

int measure(std::uint32_t entries) {
  if (!fill(entries)) return fmt::print(stderr, "the table cannot be filled\n"), 1;
  auto conntrack = Conntrack::open("");
  if (!conntrack) return fmt::print(stderr, "{}\n", conntrack.error().message), 1;
  EntryLedger ledger;
  std::uint64_t listed = 0;
  const auto peak = peak_kib();
  const auto before = Clock::now();
  auto done = conntrack->dump([&](const auto& there) {
    ++listed;
    ledger.before(there);
  });
  ledger.before_is_known(1);
  const auto before_s = seconds_since(before);
  const auto after = Clock::now();
  if (done) done = conntrack->dump([&](const auto& there) { ledger.after(there); });
  const auto after_s = seconds_since(after);
  if (!done) return fmt::print(stderr, "{}\n", done.error().message), 1;
  fmt::print(R"({{"wanted":{},"entries":{},"beforeSeconds":{:.2f},"afterSeconds":{:.2f},"memoryKiB":{}}})"
             "\n",
             entries, listed, before_s, after_s, peak_kib() - peak);
  return 0;
}

}  // namespace
}  // namespace conntruth::observe

int main(int count, char** words) {
  using namespace conntruth::observe;  // NOLINT(google-build-using-namespace): the program's own room
  CLI::App app{"lists a table of connection tracking with many foreign entries"};
  std::uint32_t entries = 1'000'000;
  app.add_option("--entries", entries, "how many");
  CLI11_PARSE(app, count, words);
  const int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const auto limit = number_in(kLimit);
  if (limit != 0 && limit < entries + 1000) std::ofstream(kLimit) << entries + 1000;
  int code = 1;
  if (unshare(CLONE_NEWNET) == 0) {
    code = measure(entries);
  } else {
    fmt::print(stderr, "a network namespace of its own needs root\n");
  }
  // In the namespace it can only be read: the limit is put back from where it was raised.
  if (limit != 0 && setns(here, CLONE_NEWNET) == 0) std::ofstream(kLimit) << limit;
  return code;
}
