#pragma once
// Attributes of a netlink message by their type (include/uapi/linux/netlink.h: nlattr). Nothing here reads beyond the
// message, whatever lengths it claims: libmnl checks them. What is returned points into the message. Any thread.

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <optional>

#include "common/address.hpp"

namespace conntruth::netlink {

// Where the attribute of each type below kSize begins, nullptr where there is none.
template <std::size_t kSize>
using Attributes = std::array<const nlattr*, kSize>;

// The callback of mnl_attr_parse() and mnl_attr_parse_nested(); `data` is an Attributes<kSize>. Types that are not in
// the table, as newer kernels send them, are passed over.
template <std::size_t kSize>
int note(const nlattr* attribute, void* data) {
  const auto type = mnl_attr_get_type(attribute);
  if (type < kSize) (*static_cast<Attributes<kSize>*>(data))[type] = attribute;
  return MNL_CB_OK;
}

// The attributes inside of one; none where it is absent.
template <std::size_t kSize>
[[nodiscard]] Attributes<kSize> nested(const nlattr* nest) {
  Attributes<kSize> found{};
  if (nest != nullptr) mnl_attr_parse_nested(nest, note<kSize>, &found);
  return found;
}

// In network order, as netfilter has its numbers; nullopt where it is absent or of another size.
[[nodiscard]] std::optional<std::uint8_t> number8(const nlattr* attribute);
[[nodiscard]] std::optional<std::uint16_t> number16(const nlattr* attribute);
[[nodiscard]] std::optional<std::uint32_t> number32(const nlattr* attribute);

// Of the attribute that is there, 4 or 16 bytes; nullopt where neither is, or of another size.
[[nodiscard]] std::optional<IpAddress> address_of(const nlattr* v4, const nlattr* v6);

}  // namespace conntruth::netlink
