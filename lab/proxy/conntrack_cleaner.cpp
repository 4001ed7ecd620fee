#include "lab/proxy/conntrack_cleaner.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "common/netlink/attributes.hpp"

namespace conntruth::lab_proxy {
namespace {

using netlink::address_of;
using netlink::Attributes;
using netlink::nested;
using netlink::note;
using netlink::number16;
using netlink::number8;

constexpr std::size_t kBufferBytes = 65536;
constexpr std::uint32_t kFilterProtocol = 1U << 3U;  // CTA_FILTER_F_CTA_PROTO_NUM of net/netfilter/nf_internals.h

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;
using Buffer = std::vector<char>;

struct Ends {
  SocketAddress source;
  SocketAddress destination;
};

std::optional<Ends> udp_ends(const nlattr* tuple) {
  const auto parts = nested<CTA_TUPLE_MAX + 1>(tuple);
  const auto ip = nested<CTA_IP_MAX + 1>(parts[CTA_TUPLE_IP]);
  const auto transport = nested<CTA_PROTO_MAX + 1>(parts[CTA_TUPLE_PROTO]);
  if (number8(transport[CTA_PROTO_NUM]) != IPPROTO_UDP) return std::nullopt;
  const auto source_port = number16(transport[CTA_PROTO_SRC_PORT]);
  const auto destination_port = number16(transport[CTA_PROTO_DST_PORT]);
  const auto source = address_of(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC]);
  const auto destination = address_of(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST]);
  if (!source || !destination || !source_port || !destination_port) return std::nullopt;
  return Ends{{*source, *source_port}, {*destination, *destination_port}};
}

nlmsghdr* start_message(Buffer& buffer, int command, int flags, std::uint8_t family) {
  auto* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | command);
  header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  auto* extra = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  extra->nfgen_family = family;
  extra->version = NFNETLINK_V0;
  return header;
}

// One entry to be deleted: its original tuple and zone as the kernel printed them.
struct Doomed {
  std::uint8_t family = AF_UNSPEC;
  std::vector<char> tuple;
  std::optional<std::uint16_t> zone;  // network order
};

struct Dump {
  const std::function<bool(const UdpFlow&)>& wanted;
  std::vector<Doomed> doomed;
};

// The same until both tuples are there, which come first: nearly all entries of a dump are read no further.
int note_tuples(const nlattr* attribute, void* data) {
  auto& entry = *static_cast<Attributes<CTA_MAX + 1>*>(data);
  note<CTA_MAX + 1>(attribute, data);
  return entry[CTA_TUPLE_ORIG] != nullptr && entry[CTA_TUPLE_REPLY] != nullptr ? MNL_CB_STOP : MNL_CB_OK;
}

int look_at(const nlmsghdr* message, void* data) {
  auto& dump = *static_cast<Dump*>(data);
  Attributes<CTA_MAX + 1> entry{};
  mnl_attr_parse(message, sizeof(nfgenmsg), note_tuples, &entry);
  const auto original = udp_ends(entry[CTA_TUPLE_ORIG]);
  const auto reply = udp_ends(entry[CTA_TUPLE_REPLY]);
  if (!original || !reply || !dump.wanted({original->destination, reply->source})) return MNL_CB_OK;
  mnl_attr_parse(message, sizeof(nfgenmsg), note<CTA_MAX + 1>, &entry);
  const auto* tuple = entry[CTA_TUPLE_ORIG];
  const auto* bytes = static_cast<const char*>(mnl_attr_get_payload(tuple));
  const auto* extra = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
  Doomed doomed{extra->nfgen_family, {bytes, bytes + mnl_attr_get_payload_len(tuple)}, std::nullopt};
  if (entry[CTA_ZONE] != nullptr) doomed.zone = mnl_attr_get_u16(entry[CTA_ZONE]);
  dump.doomed.push_back(std::move(doomed));
  return MNL_CB_OK;
}

// Sends the request in the buffer and feeds the answers, which overwrite it, to the callback until the kernel says that
// it was the last.
Status talk(mnl_socket* socket, Buffer& buffer, mnl_cb_t callback, void* data, int* kernel_error = nullptr) {
  const auto* request = reinterpret_cast<const nlmsghdr*>(buffer.data());
  const auto sequence = request->nlmsg_seq;
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return fail_errno("send to ctnetlink", errno);
  int state = MNL_CB_OK;
  while (state > MNL_CB_STOP) {
    const auto received = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    if (received < 0) return fail_errno("receive from ctnetlink", errno);
    state = mnl_cb_run(buffer.data(), static_cast<std::size_t>(received), sequence, mnl_socket_get_portid(socket),
                       callback, data);
  }
  if (state == MNL_CB_ERROR && kernel_error != nullptr) *kernel_error = errno;
  if (state == MNL_CB_ERROR && kernel_error == nullptr) return fail_errno("dump conntrack", errno);
  return {};
}

Result<std::uint64_t> delete_all(mnl_socket* socket, const std::vector<Doomed>& doomed) {
  std::uint64_t deleted = 0;
  Buffer buffer(kBufferBytes);
  for (const auto& each : doomed) {
    auto* request = start_message(buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, each.family);
    mnl_attr_put(request, CTA_TUPLE_ORIG | NLA_F_NESTED, each.tuple.size(), each.tuple.data());
    if (each.zone) mnl_attr_put_u16(request, CTA_ZONE, *each.zone);
    int refused = 0;
    if (auto status = talk(socket, buffer, nullptr, nullptr, &refused); !status) return std::unexpected(status.error());
    if (refused != 0 && refused != ENOENT) return fail_errno("delete a conntrack entry", refused);
    if (refused == 0) ++deleted;
  }
  return deleted;
}

// Of UDP alone. A kernel before 5.8 does not know the filter and gives everything, which look_at() copes with.
void put_dump_request(Buffer& buffer, std::uint8_t family) {
  auto* request = start_message(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family);
  auto* tuple = mnl_attr_nest_start(request, CTA_TUPLE_ORIG);
  auto* transport = mnl_attr_nest_start(request, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(request, CTA_PROTO_NUM, IPPROTO_UDP);
  mnl_attr_nest_end(request, transport);
  mnl_attr_nest_end(request, tuple);
  auto* filter = mnl_attr_nest_start(request, CTA_FILTER);
  mnl_attr_put_u32(request, CTA_FILTER_ORIG_FLAGS, kFilterProtocol);
  mnl_attr_put_u32(request, CTA_FILTER_REPLY_FLAGS, 0);
  mnl_attr_nest_end(request, filter);
}

}  // namespace

Result<std::uint64_t> delete_udp_entries(const std::function<bool(const UdpFlow&)>& wanted) {
  const Socket socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
  if (!socket) return fail_errno("open ctnetlink", errno);
  if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return fail_errno("bind ctnetlink", errno);
  Dump dump{wanted, {}};
  Buffer buffer(kBufferBytes);
  for (const int family : {AF_INET, AF_INET6}) {
    put_dump_request(buffer, static_cast<std::uint8_t>(family));
    if (auto status = talk(socket.get(), buffer, look_at, &dump); !status) return std::unexpected(status.error());
  }
  return delete_all(socket.get(), dump.doomed);
}

Result<std::set<IpAddress>> own_addresses() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return fail_errno("list the addresses of the node", errno);
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(first, freeifaddrs);
  std::set<IpAddress> addresses;
  for (const auto* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_LOOPBACK) != 0) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* raw = nullptr;
    if (each->ifa_addr->sa_family == AF_INET) raw = &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
    if (each->ifa_addr->sa_family == AF_INET6) raw = &reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr;
    if (raw == nullptr || inet_ntop(each->ifa_addr->sa_family, raw, text.data(), text.size()) == nullptr) continue;
    if (const auto parsed = IpAddress::parse(text.data())) addresses.insert(*parsed);
  }
  return addresses;
}

}  // namespace conntruth::lab_proxy
