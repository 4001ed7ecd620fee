#pragma once
// The two words by which everything that is seen of a probe is known: which probe, and where. Plain values.

#include <cstdint>
#include <string>

namespace conntruth {

using ProbeId = std::uint64_t;
[[nodiscard]] constexpr ProbeId probe_id(std::uint32_t task, std::uint32_t sequence) {
  return (static_cast<ProbeId>(task) << 32U) | sequence;
}
[[nodiscard]] constexpr std::uint32_t task_of(ProbeId id) { return static_cast<std::uint32_t>(id >> 32U); }
[[nodiscard]] constexpr std::uint32_t sequence_of(ProbeId id) { return static_cast<std::uint32_t>(id); }

// Where on a node a socket lives: the node's own namespace ("") or a pod's or an external client's, by name.
using NamespaceName = std::string;

}  // namespace conntruth
