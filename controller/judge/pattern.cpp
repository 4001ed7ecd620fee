#include "controller/judge/pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace conntruth::judge {

namespace {

// The words that describe a cell, the most telling first: of two that say the same, the earlier one stays.
struct AttributeKind {
  PatternKind kind;
  std::string_view words;  // in front of the value
};
constexpr std::array<AttributeKind, 12> kAttributes{{
    {PatternKind::kFamily, "family"},
    {PatternKind::kProtocol, "protocol"},
    {PatternKind::kRow, "client on"},
    {PatternKind::kRow, "client"},
    {PatternKind::kColumn, "entry on"},
    {PatternKind::kColumn, "endpoint on"},
    {PatternKind::kDiagonal, "client and target on"},
    {PatternKind::kColumn, "entry kind"},
    {PatternKind::kColumn, "Service"},
    {PatternKind::kColumn, "entry"},
    {PatternKind::kPart, "scenario"},
    {PatternKind::kPart, "step"},
}};
using Attributes = std::array<std::string, kAttributes.size()>;

// The node on which all endpoints of a cell are; "" where there are several or none.
std::string endpoint_node(const plan::Cell& cell, const Names& names) {
  std::set<std::string> nodes;
  for (const auto& endpoint : cell.expectation.endpoints) nodes.insert(names.node_of(names.owner(endpoint.address)));
  return nodes.size() == 1 ? *nodes.begin() : std::string();
}

Attributes attributes_of(const plan::Cell& cell, const Names& names) {
  const auto& flow = cell.flow;
  const auto endpoint = endpoint_node(cell, names);
  const auto target = flow.entry.node.empty() ? endpoint : flow.entry.node;
  std::string together;
  if (!target.empty()) together = target == flow.vantage.node ? "the same node" : "different nodes";
  return {std::string(to_string(flow.family())),
          std::string(to_string(flow.protocol)),
          flow.vantage.node,
          cell.row,
          flow.entry.node,
          endpoint,
          together,
          std::string(to_string(flow.entry.kind)),
          flow.entry.service,
          cell.column,
          cell.scenario,
          cell.scenario + "/" + cell.step};
}

struct Restriction {
  std::size_t attribute = 0;
  std::set<std::string> values;
  [[nodiscard]] bool fits(const Attributes& cell) const { return values.contains(cell[attribute]); }
};

class Search {
 public:
  Search(const std::vector<JudgedCell>& cells, const Names& names) : cells_(cells) {
    for (const auto& judged : cells) attributes_.push_back(attributes_of(*judged.cell, names));
    for (std::size_t i = 0; i < kAttributes.size(); ++i) consider(i);
    drop_idle();
  }
  [[nodiscard]] const std::vector<Restriction>& restrictions() const { return restrictions_; }
  [[nodiscard]] std::uint64_t matching() const { return count(restrictions_); }

 private:
  void consider(std::size_t attribute) {
    std::set<std::string> red;
    std::set<std::string> all;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      all.insert(attributes_[i][attribute]);
      if (cells_[i].red) red.insert(attributes_[i][attribute]);
    }
    const bool restricts = red.size() < all.size() && (red.size() == 1 || red.size() * 2 <= all.size());
    if (restricts && !red.contains("")) restrictions_.push_back({attribute, std::move(red)});
  }

  [[nodiscard]] std::uint64_t count(const std::vector<Restriction>& restrictions) const {
    return static_cast<std::uint64_t>(std::count_if(attributes_.begin(), attributes_.end(), [&](const auto& cell) {
      return std::all_of(restrictions.begin(), restrictions.end(), [&](const auto& r) { return r.fits(cell); });
    }));
  }

  // From the least telling one: what leaves the same cells without it says nothing.
  void drop_idle() {
    const auto wanted = matching();
    for (std::size_t i = restrictions_.size(); i-- > 0;) {
      auto without = restrictions_;
      without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
      if (count(without) == wanted) restrictions_ = std::move(without);
    }
  }

  const std::vector<JudgedCell>& cells_;
  std::vector<Attributes> attributes_;
  std::vector<Restriction> restrictions_;
};

std::string words(const std::vector<Restriction>& restrictions) {
  std::vector<std::string> parts;
  for (const auto& restriction : restrictions) {
    parts.push_back(
        fmt::format("{} {}", kAttributes[restriction.attribute].words, fmt::join(restriction.values, " or ")));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

PatternKind kind_of(const std::vector<Restriction>& restrictions) {
  std::set<PatternKind> kinds;
  for (const auto& restriction : restrictions) kinds.insert(kAttributes[restriction.attribute].kind);
  if (kinds.size() > 1) kinds.erase(PatternKind::kPart);
  if (kinds.empty()) return PatternKind::kScattered;
  return kinds.size() == 1 ? *kinds.begin() : PatternKind::kMixed;
}

void describe(Pattern& pattern, const Search& search, std::size_t judged) {
  pattern.matching = search.matching();
  pattern.kind = kind_of(search.restrictions());
  if (search.restrictions().empty()) {
    pattern.text = fmt::format("{} of {} judged cells are red, with nothing in common", pattern.red, judged);
  } else if (pattern.matching == pattern.red) {
    pattern.text = fmt::format("the {} red cells are exactly those with {}", pattern.red, words(search.restrictions()));
  } else {
    if (pattern.red * 2 < pattern.matching) pattern.kind = PatternKind::kScattered;
    pattern.text = fmt::format("the {} red cells are among the {} with {}", pattern.red, pattern.matching,
                               words(search.restrictions()));
  }
}

}  // namespace

std::optional<Pattern> find_pattern(std::string scope, std::string scenario, const std::vector<JudgedCell>& cells,
                                    const Names& names) {
  Pattern pattern;
  pattern.scope = std::move(scope);
  pattern.scenario = std::move(scenario);
  const auto red = [](const JudgedCell& cell) { return cell.red; };
  pattern.red = static_cast<std::uint64_t>(std::count_if(cells.begin(), cells.end(), red));
  if (pattern.red == 0) return std::nullopt;
  if (pattern.red == cells.size() && pattern.red > 1) {
    pattern.kind = PatternKind::kEverything;
    pattern.matching = pattern.red;
    pattern.text = fmt::format("every one of {} judged cells is red", pattern.red);
  } else if (pattern.red == 1) {
    pattern.kind = PatternKind::kSingleCell;
    pattern.matching = 1;
    pattern.text =
        fmt::format("one red cell of {}: {}", cells.size(), std::find_if(cells.begin(), cells.end(), red)->cell->id);
  } else {
    describe(pattern, Search(cells, names), cells.size());
  }
  return pattern;
}

std::vector<Pattern> find_patterns(const std::vector<JudgedCell>& cells, const Names& names) {
  std::map<std::string, std::vector<JudgedCell>> scenarios;
  std::map<std::pair<std::string, std::string>, std::vector<JudgedCell>> tables;
  for (const auto& judged : cells) {
    const auto& cell = *judged.cell;
    scenarios[cell.scenario].push_back(judged);
    tables[{cell.scenario, fmt::format("{}/{}/{}", cell.scenario, cell.step, cell.table)}].push_back(judged);
  }
  std::vector<Pattern> patterns;
  const auto keep = [&patterns](std::optional<Pattern> found) {
    if (found) patterns.push_back(std::move(*found));
  };
  keep(find_pattern("run", "", cells, names));
  for (const auto& [name, members] : scenarios) keep(find_pattern("scenario " + name, name, members, names));
  for (const auto& [key, members] : tables) keep(find_pattern("table " + key.second, key.first, members, names));
  return patterns;
}

}  // namespace conntruth::judge
