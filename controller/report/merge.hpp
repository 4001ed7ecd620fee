#pragma once
// Matrices that say the same are shown once: one for "tcp ipv4; tcp ipv6; udp ipv4; udp ipv6" where nothing differs.
// Matrices with a red cell always stand alone. Pure.

#include <vector>

#include "controller/report/grid.hpp"

namespace conntruth::report {

// Grids of one scenario and step with equal rows and equal glyphs become one, with the tables' names joined. Order is
// that of the first of each.
[[nodiscard]] std::vector<Grid> merge_alike(std::vector<Grid> grids);

}  // namespace conntruth::report
