#pragma once
// std::ranges::contains, which the standard library of g++ 12 does not have yet.

#include <algorithm>
#include <functional>

namespace conntruth::oracle {

template <typename Range, typename Value, typename Projection = std::identity>
[[nodiscard]] bool contains(const Range& range, const Value& value, Projection projection = {}) {
  return std::ranges::find(range, value, projection) != std::ranges::end(range);
}

}  // namespace conntruth::oracle
