#pragma once
// `conntruth demo`: a lab of three nodes, the whole catalogue with its matrices, then one planted fault found and
// named, and everything removed again. Threading: the main thread.

#include "common/result.hpp"

namespace conntruth::app {

// Fails where a step could not be done, where the healthy lab is not green, and where the fault is not found.
[[nodiscard]] Status demo();

}  // namespace conntruth::app
