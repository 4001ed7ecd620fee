#pragma once
// Waiting for the proxies of a lab to have a generation of the world in the kernel. Event-driven: a report is a rename
// in DIRECTORY/proxy, a proxy's death is its pidfd.

#include <chrono>
#include <cstdint>

#include "lab/lab.hpp"

namespace conntruth::lab {

// Returns when every reference proxy has reported `generation` or a later one. kUnavailable names the node whose proxy
// reported an error, ended, or said nothing until the time was up. At once for a lab without any.
[[nodiscard]] Status await_generation(const Lab& lab, std::uint64_t generation, std::chrono::milliseconds timeout);

}  // namespace conntruth::lab
