#include "tests/lab/agent/network.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "agent/io/netns.hpp"

namespace conntruth::tests {

bool is_root() { return geteuid() == 0; }

Namespace::Namespace() {
  std::thread maker([this] {
    if (unshare(CLONE_NEWNET) == 0) fd_ = io::Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  });
  maker.join();
  EXPECT_TRUE(fd_) << "no new network namespace";
  path_ = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_.get());
}

std::string Namespace::output(const std::string& script) const {
  std::string text;
  const auto done = io::in_network_namespace(path_, [&]() -> Status {
    FILE* pipe = popen(("( " + script + "\n) 2>&1").c_str(), "r");
    if (pipe == nullptr) return fail(ErrorCode::kInternal, "popen");
    std::array<char, 4096> part{};
    while (const auto size = fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), size);
    if (pclose(pipe) != 0) return fail(ErrorCode::kInternal, text);
    return {};
  });
  EXPECT_TRUE(done) << script << ": " << (done ? "" : done.error().message);
  return text;
}

void Namespace::run(const std::string& script) const { [[maybe_unused]] const auto text = output("set -e\n" + script); }

void Namespace::chain(const std::string& kind, const std::string& rules) const {
  const auto name = kind.substr(kind.find("hook ") + 5, 5);
  run("nft -f - <<END\ntable inet t {\nchain " + name + " {\ntype " + kind + ";\n" + rules + "\n}\n}\nEND");
}

Network::Network() {
  const std::string quick =
      "ip link set lo up\n"
      "for f in default all; do echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad; done\n"
      "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit\n"
      // On older kernels of the machine and not of a namespace.
      "for f in icmp_msgs_per_sec icmp_msgs_burst; do [ ! -e /proc/sys/net/ipv4/$f ] || echo 100000 > "
      "/proc/sys/net/ipv4/$f; done\n";
  router.run(quick +
             "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding\n"
             "ip link add c type veth peer name eth0 netns " +
             client.path() +
             "\n"
             "ip link add s type veth peer name eth0 netns " +
             server.path() +
             "\n"
             "ip addr add 10.1.0.1/24 dev c; ip addr add fd01::1/64 dev c nodad\n"
             "ip addr add 10.2.0.1/24 dev s; ip addr add fd02::1/64 dev s nodad\n"
             "ip link set c up; ip link set s up\n");
  const auto host = [&](const std::string& net, const std::string& net6) {
    return quick + "ip addr add " + net + "2/24 dev eth0; ip addr add " + net6 + "2/64 dev eth0 nodad\n" +
           "ip link set eth0 up; ip route add default via " + net + "1; ip -6 route add default via " + net6 + "1\n";
  };
  client.run(host("10.1.0.", "fd01::"));
  server.run(host("10.2.0.", "fd02::"));
}

}  // namespace conntruth::tests
