#include <fmt/core.h>

#include <numeric>

#include "controller/catalogue/scenario.hpp"

namespace conntruth::catalogue {

std::string_view to_string(NodeWord word) {
  switch (word) {
    case NodeWord::kEach:
      return "each";
    case NodeWord::kFirst:
      return "first";
    case NodeWord::kSecond:
      return "second";
    case NodeWord::kThird:
      return "third";
    case NodeWord::kLast:
      return "last";
    case NodeWord::kOthers:
      return "others";
    case NodeWord::kOwn:
      return "own";
  }
  return "?";
}

namespace {

Result<std::vector<std::size_t>> nth(std::size_t index, std::size_t nodes) {
  if (index < nodes) return std::vector{index};
  return fail(ErrorCode::kNotFound, fmt::format("needs at least {} nodes", index + 1));
}

}  // namespace

Result<std::vector<std::size_t>> resolve(NodeWord word, std::size_t nodes, std::optional<std::size_t> own) {
  std::vector<std::size_t> all(nodes);
  std::iota(all.begin(), all.end(), std::size_t{0});
  switch (word) {
    case NodeWord::kEach:
      return all;
    case NodeWord::kFirst:
      return nth(0, nodes);
    case NodeWord::kSecond:
      return nth(1, nodes);
    case NodeWord::kThird:
      return nth(2, nodes);
    case NodeWord::kLast:
      return nth(nodes == 0 ? 0 : nodes - 1, nodes);
    case NodeWord::kOthers:
      if (nodes < 2) return fail(ErrorCode::kNotFound, "needs at least 2 nodes");
      std::erase(all, own.value_or(0));
      return all;
    case NodeWord::kOwn:
      if (own) return std::vector{*own};
      return fail(ErrorCode::kInvalidInput, "\"own\" means something only in a Service with `each`");
  }
  return all;
}

}  // namespace conntruth::catalogue
