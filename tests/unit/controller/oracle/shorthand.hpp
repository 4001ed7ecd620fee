#pragma once
// A shorthand for worlds, flows and expectations, so that one literal case is one line. Addresses are those of the lab:
//   n2 = node-2 (172.31.0.12, fd31::c), n2p1 = pod 1 of node-2 (10.244.2.11, fd44:0:0:2::b), x2 = external client that
//   enters at node-2 (192.0.2.12, 2001:db8:c::c), m2 = a second address of node-2 (172.31.1.12, fd31:1::c);
//   vip, ext, lb = the first Service's ClusterIP, external IP and load-balancer address, vip2 ... the second's;
//   free = an unallocated ClusterIP. Zones of node-1..3: a, b, c.
// The head of cases/cluster_ip.yaml gives the grammar.

#include <string>
#include <vector>

#include "common/model/expectation.hpp"
#include "common/model/flow.hpp"
#include "common/world/world.hpp"

namespace conntruth::oracle::shorthand {

// "web NodePort http:80>30080 etp=Local ext lb | http:8080 n1p0 n2p0~" per Service; "n2 zone= deleting" per Node.
[[nodiscard]] world::World world_of(const std::vector<std::string>& services, const std::vector<std::string>& nodes);

// "n1p1 -> clusterIP vip:80" plus "tcp4".
[[nodiscard]] Flow flow_of(const std::string& text, const std::string& wire);

// "replied n1p0:8080 n2p0:8080; uniform; client", "refused", "recorded n1p0:8080", "http 200 1" (status and local
// endpoints), "recorded http", "named -> web vip.4 vip.6", "named NXDOMAIN", "recorded named". Rules are left empty.
[[nodiscard]] Expectation expectation_of(const std::string& text, const Flow& flow, const world::World& world);

inline constexpr const char* kZone = ".default.svc.corp.example";  // of names
[[nodiscard]] IpAddress address_of(const std::string& token, Family family);
[[nodiscard]] SocketAddress socket_address(const std::string& word, Family family);  // "n2p1:8080"
[[nodiscard]] std::uint16_t port_number(const std::string& text);
[[nodiscard]] std::string node_name(const std::string& digits);  // "node-2"
[[nodiscard]] std::vector<std::string> split(const std::string& text, char separator);
[[nodiscard]] std::vector<std::string> words(const std::string& text);
[[noreturn]] void bad(const std::string& what);  // throws: a case that cannot be read fails its test

}  // namespace conntruth::oracle::shorthand
