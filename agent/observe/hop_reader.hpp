#pragma once
// Events of the walk's programs as hops. Pure; reads whatever bytes it is given.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/model/hop.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

// What the numbers of an event mean on this node.
struct HopNames {
  std::vector<NamespaceName> places;
  std::function<std::string(std::uint32_t)> reason;    // "" where it has no name
  std::function<std::string(std::uint64_t)> function;  // "" where it has none
};

// kInvalidInput naming what is wrong: size, kind, family, protocol, hook, place.
[[nodiscard]] Result<Hop> read_hop(std::span<const std::uint8_t> event, const HopNames& names);

}  // namespace conntruth::observe
