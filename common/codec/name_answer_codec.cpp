// What DNS servers said, as agents report it and as they are told to wait for it.
#include <algorithm>

#include "common/codec/columns.hpp"

namespace conntruth::codec {

namespace {

constexpr std::uint32_t kMostCodes = 16;  // four bits in RFC 1035

}  // namespace

void put(const NameAnswer& answer, v1::NameAnswer& message) {
  message.set_code(answer.code);
  message.set_alias(clean_text(answer.alias));
  for (const auto& address : answer.addresses) message.add_addresses(address_bytes(address));
}

Result<NameAnswer> take(const v1::NameAnswer& message) {
  NameAnswer answer;
  if (message.code() >= kMostCodes) return fail(ErrorCode::kInvalidInput, "name: code: out of range 0..15");
  if (!is_clean_text(message.alias())) return fail(ErrorCode::kInvalidInput, "name: alias: not printable or too long");
  answer.code = static_cast<std::uint8_t>(message.code());
  answer.alias = message.alias();
  for (const auto& bytes : message.addresses()) {
    auto address = address_from(bytes);
    if (!address) return std::unexpected(address.error().in("name: addresses"));
    answer.addresses.push_back(*address);
  }
  if (std::ranges::adjacent_find(answer.addresses, std::greater_equal{}) != answer.addresses.end())
    return fail(ErrorCode::kInvalidInput, "name: addresses: not ascending");
  return answer;
}

}  // namespace conntruth::codec
