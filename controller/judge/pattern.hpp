#pragma once
// What red cells have in common: source side or target side, one node or all, one family, one protocol.
//
// Every cell has attributes (client, the client's node, entry, the endpoint's node, family, ...). An attribute
// restricts when the red cells take one of its values, or at most half of those that the judged cells have. The
// description is the conjunction of restricting attributes, less those that change nothing. It is exact where all cells
// that it fits are red. Pure.

#include <string>
#include <vector>

#include "controller/judge/names.hpp"
#include "controller/judge/verdict.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::judge {

struct JudgedCell {
  const plan::Cell* cell = nullptr;
  bool red = false;
};

// `cells`: those of the scope that passed or failed. No red cell: no pattern.
[[nodiscard]] std::optional<Pattern> find_pattern(std::string scope, std::string scenario,
                                                  const std::vector<JudgedCell>& cells, const Names& names);

// The scopes of a run that have red cells: the run, its scenarios in order of name, their tables.
[[nodiscard]] std::vector<Pattern> find_patterns(const std::vector<JudgedCell>& cells, const Names& names);

}  // namespace conntruth::judge
