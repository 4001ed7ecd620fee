#pragma once
// The words of scenario files and what they stand for. Internal to the room.

#include <array>
#include <string_view>

#include "common/address.hpp"
#include "controller/catalogue/scenario.hpp"

namespace conntruth::catalogue {

template <typename T, std::size_t N>
struct Words {
  std::array<std::string_view, N> words;
  std::array<T, N> values;
};

inline constexpr Words<NodeWord, 7> kNodeWords{{"each", "first", "second", "third", "last", "others", "own"},
                                               {NodeWord::kEach, NodeWord::kFirst, NodeWord::kSecond, NodeWord::kThird,
                                                NodeWord::kLast, NodeWord::kOthers, NodeWord::kOwn}};
inline constexpr Words<Each, 2> kEachWords{{"node", "pod"}, {Each::kNode, Each::kPod}};
inline constexpr Words<Client, 4> kClientWords{{"pod", "node", "external", "endpoint"},
                                               {Client::kPod, Client::kNode, Client::kExternal, Client::kEndpoint}};
inline constexpr Words<EntryKind, 11> kEntryWords{
    {"clusterIP", "nodePort", "externalIP", "loadBalancer", "podIP", "unusedPort", "unallocated", "healthCheckNodePort",
     "proxyHealthz", "proxyLivez", "name"},
    {EntryKind::kClusterIp, EntryKind::kNodePort, EntryKind::kExternalIp, EntryKind::kLoadBalancer, EntryKind::kPodIp,
     EntryKind::kUnusedPort, EntryKind::kUnallocated, EntryKind::kHealthCheckNodePort, EntryKind::kProxyHealthz,
     EntryKind::kProxyLivez, EntryKind::kName}};
inline constexpr Words<Protocol, 3> kProtocolWords{{"TCP", "UDP", "SCTP"},
                                                   {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}};
inline constexpr Words<Family, 2> kFamilyWords{{"IPv4", "IPv6"}, {Family::kIpv4, Family::kIpv6}};
inline constexpr Words<ProbeRule, 4> kRuleWords{
    {"new-flows", "fixed-flow", "rotate", "kept-connection"},
    {ProbeRule::kNewFlows, ProbeRule::kFixedFlow, ProbeRule::kRotate, ProbeRule::kKeptConnection}};
inline constexpr Words<world::IpMode, 2> kIpModeWords{{"VIP", "Proxy"}, {world::IpMode::kVip, world::IpMode::kProxy}};
inline constexpr Words<RangeWord, 6> kRangeWords{{"external", "first", "pods", "nodes", "everybody", "nobody"},
                                                 {RangeWord::kExternal, RangeWord::kFirst, RangeWord::kPods,
                                                  RangeWord::kNodes, RangeWord::kEverybody, RangeWord::kNobody}};
inline constexpr Words<bool, 1> kAutoWords{{"auto"}, {true}};

}  // namespace conntruth::catalogue
