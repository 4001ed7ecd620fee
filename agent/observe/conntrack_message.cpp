#include "agent/observe/conntrack_message.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cstring>

#include "common/netlink/attributes.hpp"

namespace conntruth::observe {

namespace {

using netlink::address_of;
using netlink::Attributes;
using netlink::nested;
using netlink::note;
using netlink::number16;
using netlink::number32;
using netlink::number8;

constexpr std::size_t kQuestionBytes = 256;  // header and one tuple of IPv6: 120

std::uint8_t kernel_family(Family family) { return family == Family::kIpv4 ? AF_INET : AF_INET6; }

void put_address(nlmsghdr* header, std::uint16_t v4, std::uint16_t v6, const IpAddress& address) {
  const auto bytes = address.bytes();
  mnl_attr_put(header, address.family() == Family::kIpv4 ? v4 : v6, bytes.size(), bytes.data());
}

void put_tuple(nlmsghdr* header, const FlowTuple& tuple) {
  auto* whole = mnl_attr_nest_start(header, CTA_TUPLE_ORIG);
  auto* addresses = mnl_attr_nest_start(header, CTA_TUPLE_IP);
  put_address(header, CTA_IP_V4_SRC, CTA_IP_V6_SRC, tuple.source.address);
  put_address(header, CTA_IP_V4_DST, CTA_IP_V6_DST, tuple.destination.address);
  mnl_attr_nest_end(header, addresses);
  auto* transport = mnl_attr_nest_start(header, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(header, CTA_PROTO_NUM, static_cast<std::uint8_t>(tuple.protocol));
  mnl_attr_put_u16(header, CTA_PROTO_SRC_PORT, htons(tuple.source.port));
  mnl_attr_put_u16(header, CTA_PROTO_DST_PORT, htons(tuple.destination.port));
  mnl_attr_nest_end(header, transport);
  mnl_attr_nest_end(header, whole);
}

// ---- reading ----

std::optional<FlowTuple> tuple_of(const nlattr* nest) {
  const auto parts = nested<CTA_TUPLE_MAX + 1>(nest);
  const auto ip = nested<CTA_IP_MAX + 1>(parts[CTA_TUPLE_IP]);
  const auto transport = nested<CTA_PROTO_MAX + 1>(parts[CTA_TUPLE_PROTO]);
  const auto protocol = number8(transport[CTA_PROTO_NUM]);
  const auto source_port = number16(transport[CTA_PROTO_SRC_PORT]);
  const auto destination_port = number16(transport[CTA_PROTO_DST_PORT]);
  const auto source = address_of(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC]);
  const auto destination = address_of(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST]);
  if (!protocol || !source_port || !destination_port || !source || !destination) return std::nullopt;
  if (source->family() != destination->family()) return std::nullopt;
  for (const auto known : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    if (*protocol == static_cast<std::uint8_t>(known))
      return FlowTuple{known, {*source, *source_port}, {*destination, *destination_port}};
  }
  return std::nullopt;
}

using EntryAttributes = Attributes<CTA_MAX + 1>;

// Behind the family's header, which the caller has found to be whole.
EntryAttributes attributes_of(const nlmsghdr* message) {
  EntryAttributes found{};
  mnl_attr_parse(message, sizeof(nfgenmsg), note<CTA_MAX + 1>, &found);
  return found;
}

// None where a tuple is missing, or of another protocol than probes have.
std::optional<ConntrackEntry> entry_of(const EntryAttributes& found) {
  const auto original = tuple_of(found[CTA_TUPLE_ORIG]);
  const auto reply = tuple_of(found[CTA_TUPLE_REPLY]);
  if (!original || !reply) return std::nullopt;
  ConntrackEntry entry{.original = *original, .reply = *reply};
  entry.status = number32(found[CTA_STATUS]).value_or(0);
  entry.timeout = std::chrono::seconds(number32(found[CTA_TIMEOUT]).value_or(0));
  entry.mark = number32(found[CTA_MARK]).value_or(0);
  entry.zone = number16(found[CTA_ZONE]).value_or(0);
  entry.id = number32(found[CTA_ID]).value_or(0);
  return entry;
}

constexpr std::uint16_t type_of(unsigned message) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8U | message);
}

int error_of(const nlmsghdr* message) { return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error; }

Result<ConntrackAnswer> answer_of(const nlmsghdr* message) {
  ConntrackAnswer answer;
  answer.sequence = message->nlmsg_seq;
  const auto size = mnl_nlmsg_get_payload_len(message);
  if (message->nlmsg_type == NLMSG_ERROR) {
    if (size < sizeof(nlmsgerr)) return fail(ErrorCode::kInvalidInput, "ctnetlink: an error that is cut short");
    answer.error = error_of(message);
    return answer;
  }
  if (message->nlmsg_type != type_of(IPCTNL_MSG_CT_NEW)) return answer;
  if (size < sizeof(nfgenmsg)) return fail(ErrorCode::kInvalidInput, "ctnetlink: an entry that is cut short");
  answer.entry = entry_of(attributes_of(message));
  if (!answer.entry) return fail(ErrorCode::kInvalidInput, "ctnetlink: an entry without its two tuples");
  return answer;
}

ConntrackChange change_of(const nlmsghdr* message) {
  if (message->nlmsg_type == type_of(IPCTNL_MSG_CT_DELETE)) return ConntrackChange::kDestroyed;
  if ((message->nlmsg_flags & NLM_F_MULTI) != 0) return ConntrackChange::kThere;
  return (message->nlmsg_flags & NLM_F_CREATE) != 0 ? ConntrackChange::kNew : ConntrackChange::kUpdated;
}

Status read_event(const nlmsghdr* message, ConntrackNews& news,
                  const std::function<void(const ConntrackEvent&)>& take) {
  const auto size = mnl_nlmsg_get_payload_len(message);
  if (message->nlmsg_type == NLMSG_DONE) news.done = true;
  if (message->nlmsg_type == NLMSG_ERROR) {
    if (size < sizeof(nlmsgerr)) return fail(ErrorCode::kInvalidInput, "ctnetlink: an error that is cut short");
    news.error = error_of(message);
  }
  if (message->nlmsg_type != type_of(IPCTNL_MSG_CT_NEW) && message->nlmsg_type != type_of(IPCTNL_MSG_CT_DELETE))
    return {};
  if (size < sizeof(nfgenmsg)) return fail(ErrorCode::kInvalidInput, "ctnetlink: an entry that is cut short");
  const auto found = attributes_of(message);
  const auto entry = entry_of(found);
  if (!entry) {
    ++news.skipped;
    return {};
  }
  const auto change = change_of(message);
  take({.change = change,
        .port = change == ConntrackChange::kDestroyed ? message->nlmsg_pid : 0,
        .has_timeout = number32(found[CTA_TIMEOUT]).has_value(),
        .entry = *entry});
  return {};
}

// Hands over each message of a datagram that is whole, until one is wrong.
Status each_message(std::span<const std::uint8_t> datagram, const std::function<Status(const nlmsghdr*)>& take) {
  // libmnl walks messages where they lie: they have to be aligned.
  std::vector<std::uint64_t> aligned(datagram.size() / sizeof(std::uint64_t) + 1);
  if (!datagram.empty()) std::memcpy(aligned.data(), datagram.data(), datagram.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(aligned.data());
  auto left = static_cast<int>(datagram.size());
  // mnl_nlmsg_ok() compares lengths as signed numbers, which one of more than 2 GiB passes.
  const auto whole = [&] {
    return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= static_cast<std::uint32_t>(left);
  };
  for (; whole(); message = mnl_nlmsg_next(message, &left)) {
    if (auto taken = take(message); !taken) return taken;
  }
  if (left > 0) return fail(ErrorCode::kInvalidInput, "ctnetlink: a message that is cut short");
  return {};
}

nlmsghdr* put_question(std::vector<std::uint8_t>& buffer, std::uint16_t flags, std::uint8_t family,
                       std::uint32_t sequence) {
  auto* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = type_of(IPCTNL_MSG_CT_GET);
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  header->nlmsg_seq = sequence;
  auto* extra = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  extra->nfgen_family = family;
  extra->version = NFNETLINK_V0;
  return header;
}

}  // namespace

std::vector<std::uint8_t> conntrack_question(const FlowTuple& original, std::uint16_t zone, std::uint32_t sequence) {
  std::vector<std::uint8_t> buffer(kQuestionBytes);
  auto* header = put_question(buffer, 0, kernel_family(original.source.address.family()), sequence);
  put_tuple(header, original);
  if (zone != 0) mnl_attr_put_u16(header, CTA_ZONE, htons(zone));
  buffer.resize(header->nlmsg_len);
  return buffer;
}

std::vector<std::uint8_t> conntrack_dump_question(std::uint32_t sequence) {
  std::vector<std::uint8_t> buffer(kQuestionBytes);
  buffer.resize(put_question(buffer, NLM_F_DUMP, AF_UNSPEC, sequence)->nlmsg_len);
  return buffer;
}

Result<std::vector<ConntrackAnswer>> read_conntrack_answers(std::span<const std::uint8_t> datagram) {
  std::vector<ConntrackAnswer> answers;
  const auto read = each_message(datagram, [&](const nlmsghdr* message) -> Status {
    auto answer = answer_of(message);
    if (!answer) return std::unexpected(answer.error());
    answers.push_back(*answer);
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return answers;
}

Result<ConntrackNews> read_conntrack_events(std::span<const std::uint8_t> datagram,
                                            const std::function<void(const ConntrackEvent&)>& take) {
  ConntrackNews news;
  const auto read = each_message(datagram, [&](const nlmsghdr* message) { return read_event(message, news, take); });
  if (!read) return std::unexpected(read.error());
  return news;
}

}  // namespace conntruth::observe
