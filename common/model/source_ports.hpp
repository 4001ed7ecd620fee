#pragma once
// Source ports that the tool's own probes choose, where more than one room has to know them. None meets a node port
// (30000-32767) or what the kernel takes for outgoing sockets. Threading: constants.

#include <cstdint>

namespace conntruth {

// Of flows that keep their 5-tuple over the steps of a scenario.
inline constexpr std::uint16_t kFirstFixedPort = 8000;
inline constexpr std::uint16_t kLastFixedPort = 8999;
// Of crafted packets that are a flow each.
inline constexpr std::uint16_t kFirstCraftedPort = 10000;
inline constexpr std::uint16_t kLastCraftedPort = 29999;

}  // namespace conntruth
