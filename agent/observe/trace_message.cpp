#include "agent/observe/trace_message.hpp"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/netlink/attributes.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::observe {

namespace {

using netlink::Attributes;
using netlink::number32;
using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kPorts = 4;
constexpr std::uint8_t kSctpInit = 1;
constexpr std::uint8_t kSyn = 0x02, kReset = 0x04, kAck = 0x10;

std::unexpected<Error> wrong(const char* what) {
  return fail(ErrorCode::kInvalidInput, std::string("nf_tables trace: ") + what);
}

Bytes bytes_of(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)};
}

std::string text_of(const nlattr* attribute) {
  const auto bytes = bytes_of(attribute);
  return {bytes.begin(), std::ranges::find(bytes, std::uint8_t{0})};
}

std::uint64_t number64_of(const nlattr* attribute) {
  const auto bytes = bytes_of(attribute);
  return bytes.size() == sizeof(std::uint64_t) ? wire::load64(bytes, 0) : 0;
}

// Families of tables, as nft writes them.
const char* family_word(std::uint8_t family) {
  switch (family) {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_NETDEV:
      return "netdev";
    case NFPROTO_BRIDGE:
      return "bridge";
    case NFPROTO_ARP:
      return "arp";
    default:
      return "?";
  }
}

// ---- the packet ----

struct Ends {
  IpAddress source, destination;
};

std::optional<Ends> ends_of(Bytes network) {
  if (network.empty()) return std::nullopt;
  if (network[0] >> 4U == 4 && network.size() >= kIpv4Header)
    return Ends{wire::load_address(network, 12, Family::kIpv4), wire::load_address(network, 16, Family::kIpv4)};
  if (network[0] >> 4U == 6 && network.size() >= kIpv6Header)
    return Ends{wire::load_address(network, 8, Family::kIpv6), wire::load_address(network, 24, Family::kIpv6)};
  return std::nullopt;
}

// The transport's number: over IPv6 it may stand behind other headers, which are not quoted; ours have none.
std::uint8_t protocol_number(Bytes network) { return network[network[0] >> 4U == 4 ? 9 : 6]; }

void note_id(Bytes transport, TracedPacket& packet) {
  switch (*packet.protocol) {
    case Protocol::kUdp:
      if (transport.size() >= 20 && wire::load32(transport, 8) == wire::kProbeMagic)
        packet.task = wire::load32(transport, 16);
      return;
    case Protocol::kTcp:
      if (transport.size() < 14) return;
      // Within a connection neither number is the id's.
      if ((transport[13] & (kSyn | kAck)) == kSyn) packet.sequence = wire::load32(transport, 4);
      if ((transport[13] & kAck) != 0 && (transport[13] & (kSyn | kReset)) != 0)
        packet.sequence = wire::load32(transport, 8) - 1;
      return;
    case Protocol::kSctp:
      if (transport.size() < 20) return;
      packet.sequence = transport[12] == kSctpInit ? wire::load32(transport, 16) - 1 : wire::load32(transport, 4) - 1;
      return;
  }
}

std::optional<TracedPacket> packet_of(Bytes network, Bytes transport) {
  const auto ends = ends_of(network);
  if (!ends) return std::nullopt;
  TracedPacket packet{
      .protocol = {}, .source = {ends->source, 0}, .destination = {ends->destination, 0}, .task = {}, .sequence = {}};
  const auto number = protocol_number(network);
  if (number == IPPROTO_ICMP || number == IPPROTO_ICMPV6) return packet;
  const bool known = number == IPPROTO_TCP || number == IPPROTO_UDP || number == IPPROTO_SCTP;
  if (!known || transport.size() < kPorts) return std::nullopt;
  packet.protocol = static_cast<Protocol>(number);
  packet.source.port = wire::load16(transport, 0);
  packet.destination.port = wire::load16(transport, 2);
  note_id(transport, packet);
  return packet;
}

// ---- the event ----

RuleVerdict verdict_of(std::uint32_t code) {
  switch (std::bit_cast<std::int32_t>(code)) {
    case NFT_CONTINUE:
    case NFT_BREAK:
      return RuleVerdict::kContinue;
    case NFT_JUMP:
      return RuleVerdict::kJump;
    case NFT_GOTO:
      return RuleVerdict::kGoto;
    case NFT_RETURN:
      return RuleVerdict::kReturn;
    default:
      break;
  }
  // Newer kernels put the reason of a drop into the upper half.
  if ((code & NF_VERDICT_MASK) == NF_DROP) return RuleVerdict::kDrop;
  return (code & NF_VERDICT_MASK) == NF_ACCEPT ? RuleVerdict::kAccept : RuleVerdict::kOther;
}

Result<TraceEvent> event_of(const nlmsghdr* message) {
  Attributes<NFTA_TRACE_MAX + 1> found{};
  mnl_attr_parse(message, sizeof(nfgenmsg), netlink::note<NFTA_TRACE_MAX + 1>, &found);
  const auto* head = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
  const auto type = number32(found[NFTA_TRACE_TYPE]);
  const auto id = number32(found[NFTA_TRACE_ID]);
  if (!type || !id) return wrong("an event without type or packet");
  TraceEvent event;
  event.packet_id = *id;
  event.table = std::string(family_word(head->nfgen_family)) + " " + text_of(found[NFTA_TRACE_TABLE]);
  event.chain = text_of(found[NFTA_TRACE_CHAIN]);
  event.handle = number64_of(found[NFTA_TRACE_RULE_HANDLE]);
  event.mark = number32(found[NFTA_TRACE_MARK]).value_or(0);
  event.packet = packet_of(bytes_of(found[NFTA_TRACE_NETWORK_HEADER]), bytes_of(found[NFTA_TRACE_TRANSPORT_HEADER]));
  const auto verdict = netlink::nested<NFTA_VERDICT_MAX + 1>(found[NFTA_TRACE_VERDICT]);
  event.verdict = verdict_of(number32(verdict[NFTA_VERDICT_CODE]).value_or(std::bit_cast<std::uint32_t>(NFT_CONTINUE)));
  event.to = text_of(verdict[NFTA_VERDICT_CHAIN]);
  switch (*type) {
    case NFT_TRACETYPE_RULE:
      // Newer kernels tell the end of a chain as a last rule, which has no handle.
      event.event = event.handle == 0 ? RuleEvent::kEnd : RuleEvent::kRule;
      return event;
    case NFT_TRACETYPE_RETURN:
      event.event = RuleEvent::kEnd;
      return event;
    case NFT_TRACETYPE_POLICY:
      event.event = RuleEvent::kPolicy;
      event.verdict = verdict_of(number32(found[NFTA_TRACE_POLICY]).value_or(NF_ACCEPT));
      return event;
    default:
      return wrong("an event of no known type");
  }
}

}  // namespace

Result<std::vector<TraceEvent>> read_trace_events(std::span<const std::uint8_t> datagram) {
  // libmnl walks messages where they lie: they have to be aligned.
  std::vector<std::uint64_t> aligned(datagram.size() / sizeof(std::uint64_t) + 1);
  if (!datagram.empty()) std::memcpy(aligned.data(), datagram.data(), datagram.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(aligned.data());
  auto left = static_cast<int>(datagram.size());
  std::vector<TraceEvent> events;
  // mnl_nlmsg_ok() compares lengths as signed numbers, which one of more than 2 GiB passes.
  const auto whole = [&] {
    return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= static_cast<std::uint32_t>(left);
  };
  for (; whole(); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_TRACE)) continue;
    if (mnl_nlmsg_get_payload_len(message) < sizeof(nfgenmsg)) return wrong("an event that is cut short");
    auto event = event_of(message);
    if (!event) return std::unexpected(event.error());
    events.push_back(std::move(*event));
  }
  if (left > 0) return wrong("a message that is cut short");
  return events;
}

}  // namespace conntruth::observe
