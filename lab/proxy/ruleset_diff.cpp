#include "lab/proxy/ruleset_diff.hpp"

#include <fmt/format.h>

#include <iterator>

namespace conntruth::lab_proxy {
namespace {

std::string_view nft_family(Family family) { return family == Family::kIpv4 ? "ip" : "ip6"; }

// Writes the commands of one table. The order matters to the kernel: what is referred to is there before the reference
// is made, and goes after the last reference went.
class TableWriter {
 public:
  TableWriter(Change& change, Family family, const Table& applied, const Table& wanted)
      : change_(change),
        table_(fmt::format("{} {}", nft_family(family), kTableName)),
        applied_(applied),
        wanted_(wanted) {}

  void write() {
    declare_sets();
    declare_chains();
    remove_elements();
    write_rules();
    add_elements();
    remove_chains();
    remove_sets();
  }

 private:
  template <typename... Parts>
  void command(fmt::format_string<Parts...> format, Parts&&... parts) {
    fmt::format_to(std::back_inserter(change_.commands), format, std::forward<Parts>(parts)...);
    change_.commands += '\n';
  }

  template <typename Map>
  static const typename Map::mapped_type* find(const Map& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
  }

  void declare_sets() {
    for (const auto& [name, set] : wanted_.sets) {
      if (applied_.sets.contains(name)) continue;
      command("add {} {} {} {}", set.kind, table_, name, set.declaration);
      ++change_.objects;
    }
  }

  void declare_chains() {
    for (const auto& [name, chain] : wanted_.chains) {
      if (applied_.chains.contains(name)) continue;
      if (chain.hook.empty()) {
        command("add chain {} {}", table_, name);
      } else {
        command("add chain {} {} {{ {} }}", table_, name, chain.hook);
      }
      ++change_.objects;
    }
  }

  void write_rules() {
    for (const auto& [name, chain] : wanted_.chains) {
      const auto* before = find(applied_.chains, name);
      if (before != nullptr && before->rules == chain.rules) continue;
      if (before != nullptr) {
        command("flush chain {} {}", table_, name);
        ++change_.objects;
      }
      for (const auto& rule : chain.rules) command("add rule {} {} {}", table_, name, rule);
    }
  }

  void elements(std::string_view verb, const std::string& set, const std::map<std::string, std::string>& items) {
    if (items.empty()) return;
    auto out = std::back_inserter(change_.commands);
    fmt::format_to(out, "{} element {} {} {{", verb, table_, set);
    for (const auto& [key, value] : items) {
      fmt::format_to(out, " {}{}{},", key, value.empty() ? "" : " : ", value);
    }
    change_.commands.back() = ' ';
    change_.commands += "}\n";
    change_.objects += items.size();
  }

  // What stands in `from` and not, or not so, in `other`.
  static std::map<std::string, std::string> missing(const Set& from, const Set* other) {
    std::map<std::string, std::string> items;
    for (const auto& [key, value] : from.elements) {
      const auto* there = other == nullptr ? nullptr : find(other->elements, key);
      if (there == nullptr || *there != value) items.emplace(key, value);
    }
    return items;
  }

  void remove_elements() {
    for (const auto& [name, set] : applied_.sets) {
      const auto* after = find(wanted_.sets, name);
      if (after != nullptr) elements("delete", name, missing(set, after));
    }
  }

  void add_elements() {
    for (const auto& [name, set] : wanted_.sets) elements("add", name, missing(set, find(applied_.sets, name)));
  }

  void remove_chains() {
    // Two passes, because chains that go may refer to each other.
    for (const auto& [name, chain] : applied_.chains) {
      if (!wanted_.chains.contains(name)) command("flush chain {} {}", table_, name);
    }
    for (const auto& [name, chain] : applied_.chains) {
      if (wanted_.chains.contains(name)) continue;
      command("delete chain {} {}", table_, name);
      ++change_.objects;
    }
  }

  void remove_sets() {
    for (const auto& [name, set] : applied_.sets) {
      if (wanted_.sets.contains(name)) continue;
      command("delete {} {} {}", set.kind, table_, name);
      ++change_.objects;
    }
  }

  Change& change_;
  std::string table_;
  const Table& applied_;
  const Table& wanted_;
};

}  // namespace

Change difference(const Ruleset& applied, const Ruleset& wanted) {
  Change change;
  const Table nothing;
  for (const auto& [family, table] : wanted.tables) {
    const auto before = applied.tables.find(family);
    TableWriter(change, family, before == applied.tables.end() ? nothing : before->second, table).write();
  }
  return change;
}

Change replacement(const Ruleset& wanted) {
  auto change = difference({}, wanted);
  std::string head = removal();
  for (const auto& [family, table] : wanted.tables)
    head += fmt::format("add table {} {}\n", nft_family(family), kTableName);
  change.commands.insert(0, head);
  return change;
}

std::string removal() {
  std::string commands;
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    // "add" first: deleting a table that is not there would fail the whole transaction.
    commands += fmt::format("add table {0} {1}\ndelete table {0} {1}\n", nft_family(family), kTableName);
  }
  return commands;
}

}  // namespace conntruth::lab_proxy
