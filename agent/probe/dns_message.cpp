#include "agent/probe/dns_message.hpp"

#include <arpa/nameser.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace conntruth::probe {

namespace {

ns_type type_of(Family family) { return family == Family::kIpv4 ? ns_t_a : ns_t_aaaa; }

void put16(std::string& bytes, unsigned value) {
  bytes += static_cast<char>(value >> 8U);
  bytes += static_cast<char>(value & 0xFFU);
}

// Names of hosts are told apart without regard to case; a dot at the end is not part of what we write.
std::string plain(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
  if (name.ends_with('.')) name.pop_back();
  return name;
}

template <std::size_t kSize>
std::array<std::uint8_t, kSize> octets(const unsigned char* data) {
  std::array<std::uint8_t, kSize> result{};
  std::copy_n(data, kSize, result.begin());
  return result;
}

// What a record says of the name; others than these three say nothing.
Status add(const ns_msg& message, const ns_rr& record, Family family, NameAnswer& answer) {
  const auto type = ns_rr_type(record);
  const auto size = ns_rr_rdlen(record);
  if (type == ns_t_cname && answer.alias.empty()) {
    std::array<char, NS_MAXDNAME> target{};
    if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(record), target.data(),
                           target.size()) < 0) {
      return fail(ErrorCode::kInvalidInput, "a CNAME that is no name");
    }
    answer.alias = plain(target.data());
  }
  if (type != type_of(family)) return {};
  if (size != (family == Family::kIpv4 ? NS_INADDRSZ : NS_IN6ADDRSZ)) {
    return fail(ErrorCode::kInvalidInput, fmt::format("an address of {} bytes", size));
  }
  answer.addresses.push_back(family == Family::kIpv4 ? IpAddress::v4(octets<NS_INADDRSZ>(ns_rr_rdata(record)))
                                                     : IpAddress::v6(octets<NS_IN6ADDRSZ>(ns_rr_rdata(record))));
  return {};
}

void sort_unique(std::vector<IpAddress>& addresses) {
  std::ranges::sort(addresses);
  const auto rest = std::ranges::unique(addresses);
  addresses.erase(rest.begin(), rest.end());
}

bool answers(ns_msg& message, std::uint16_t id, const std::string& name, Family family) {
  ns_rr question;
  return ns_msg_id(message) == id && ns_msg_getflag(message, ns_f_qr) == 1 && ns_msg_count(message, ns_s_qd) == 1 &&
         ns_parserr(&message, ns_s_qd, 0, &question) == 0 && plain(ns_rr_name(question)) == plain(name) &&
         ns_rr_type(question) == type_of(family);
}

}  // namespace

Result<std::string> dns_question(std::uint16_t id, const std::string& name, Family family) {
  std::array<unsigned char, NS_MAXCDNAME> packed{};
  const int size = ns_name_compress(name.c_str(), packed.data(), packed.size(), nullptr, nullptr);
  if (size < 0 || name.empty()) return fail(ErrorCode::kInvalidInput, fmt::format("\"{}\" is no DNS name", name));
  constexpr unsigned kRecursionDesired = 0x0100;
  std::string bytes;
  put16(bytes, id);
  put16(bytes, kRecursionDesired);
  for (const auto records : {1U, 0U, 0U, 1U}) put16(bytes, records);
  bytes.append(reinterpret_cast<const char*>(packed.data()), static_cast<std::size_t>(size));
  put16(bytes, type_of(family));
  put16(bytes, ns_c_in);
  bytes += '\0';  // the root's name, then OPT: no options, but the size of the answer
  put16(bytes, ns_t_opt);
  put16(bytes, kMostDnsBytes);
  for (int i = 0; i < 3; ++i) put16(bytes, 0);
  return bytes;
}

Result<std::optional<NameAnswer>> read_dns_answer(wire::Bytes bytes, std::uint16_t id, const std::string& name,
                                                  Family family) {
  ns_msg message;
  if (ns_initparse(bytes.data(), static_cast<int>(bytes.size()), &message) != 0) {
    return fail(ErrorCode::kInvalidInput, "not a DNS message");
  }
  if (!answers(message, id, name, family)) return std::optional<NameAnswer>();
  if (ns_msg_getflag(message, ns_f_tc) == 1) {
    return fail(ErrorCode::kResource, fmt::format("the answer has no room in {} bytes", kMostDnsBytes));
  }
  NameAnswer answer;
  answer.code = static_cast<std::uint8_t>(ns_msg_getflag(message, ns_f_rcode));
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0)
      return fail(ErrorCode::kInvalidInput, "a record that ends early");
    if (auto added = add(message, record, family, answer); !added) return std::unexpected(added.error());
  }
  sort_unique(answer.addresses);
  return std::optional(std::move(answer));
}

NameAnswer merged(NameAnswer first, const NameAnswer& second) {
  if (first.code == NameAnswer::kNoError) first.code = second.code;
  if (first.alias.empty()) first.alias = second.alias;
  first.addresses.insert(first.addresses.end(), second.addresses.begin(), second.addresses.end());
  sort_unique(first.addresses);
  return first;
}

}  // namespace conntruth::probe
