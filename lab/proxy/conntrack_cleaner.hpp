#pragma once
// Deletes UDP entries from the conntrack table of the network namespace the caller is in, through ctnetlink (libmnl).
// Kernel filters are not relied on: a kernel that does not know one returns everything in silence, so every entry is
// looked at here. Entries in other conntrack zones than 0 are deleted in their zone.
// Errors: kPermission without CAP_NET_ADMIN, kInternal. Threading: free functions, no state.

#include <cstdint>
#include <functional>
#include <set>

#include "common/result.hpp"
#include "lab/proxy/udp_services.hpp"

namespace conntruth::lab_proxy {

// Returns how many entries were deleted. One that expired meanwhile counts as nothing, not as an error.
[[nodiscard]] Result<std::uint64_t> delete_udp_entries(const std::function<bool(const UdpFlow&)>& wanted);

// All addresses of this network namespace but loopback.
[[nodiscard]] Result<std::set<IpAddress>> own_addresses();

}  // namespace conntruth::lab_proxy
