#pragma once
// Topology as JSON and back, for the files that carry it (a lab's directory, a run's inputs).
// Keys are the field names of common/model/topology.hpp in camelCase; addresses and prefixes are text.
// Errors: kInvalidInput naming the field. Threading: pure functions.

#include <string>
#include <string_view>

#include "common/model/topology.hpp"
#include "common/result.hpp"

namespace conntruth::codec {

[[nodiscard]] std::string topology_to_json(const Topology& topology);
[[nodiscard]] Result<Topology> topology_from_json(std::string_view text);

}  // namespace conntruth::codec
