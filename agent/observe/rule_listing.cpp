#include "agent/observe/rule_listing.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace conntruth::observe {

namespace {

constexpr std::string_view kHandle = " # handle ";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Each run of blanks as one: nft breaks long sets into lines.
std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char each : text) {
    const bool blank = each == ' ' || each == '\t' || each == '\n';
    if (!blank) line += each;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  return std::string(trimmed(line));
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!(text = trimmed(text)).empty()) {
    const auto size = std::min(text.find_first_of(" \t"), text.size());
    words.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return words;
}

template <typename Number>
Number number_of(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::optional<NetfilterHook> hook_of(std::string_view word) {
  for (const auto hook : {NetfilterHook::kPrerouting, NetfilterHook::kInput, NetfilterHook::kForward,
                          NetfilterHook::kOutput, NetfilterHook::kPostrouting}) {
    if (word == to_string(hook)) return hook;
  }
  return std::nullopt;
}

// "type nat hook prerouting priority -100; policy accept;"
std::optional<BaseHook> base_of(std::string_view line) {
  const auto words = words_of(line);
  if (words.size() < 4 || words[0] != "type" || words[2] != "hook") return std::nullopt;
  BaseHook base{.nat = words[1] == "nat", .hook = hook_of(words[3]), .priority = 0};
  const auto priority = std::ranges::find(words, "priority");
  if (priority != words.end() && priority + 1 != words.end()) base.priority = number_of<std::int32_t>(priority[1]);
  return base;
}

// "chain NAME { # handle 2"
std::optional<std::string> chain_name(std::string_view line) {
  const auto words = words_of(line);
  if (words.size() < 3 || words[0] != "chain" || words[2] != "{") return std::nullopt;
  auto name = words[1];
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
  return std::string(name);
}

// Takes a chain's lines one by one.
class ChainReader {
 public:
  explicit ChainReader(ListedChain& chain) : chain_(chain) {}
  void take(std::string_view line) {
    if (pending_.empty() && !chain_.base) {
      if (const auto base = base_of(line)) {
        chain_.base = base;
        return;
      }
    }
    const auto at = line.rfind(kHandle);
    const auto number = at == std::string_view::npos ? std::string_view() : trimmed(line.substr(at + kHandle.size()));
    const bool ends = !number.empty() && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
    if (!ends && pending_.empty() && trimmed(line).starts_with("comment \"")) return;  // the chain's own
    pending_ += line.substr(0, ends ? at : line.size());
    pending_ += '\n';
    if (!ends) return;
    chain_.rules.push_back({number_of<std::uint64_t>(number), on_one_line(pending_)});
    pending_.clear();
  }

 private:
  ListedChain& chain_;
  std::string pending_;  // of a rule that goes over several lines
};

// ---- look-ups ----

std::string protocol_word(const TracedPacket& packet) {
  return std::string(packet.protocol ? to_string(*packet.protocol) : "icmp");
}

// What a rule may look up and a trace tells; "" where it is not about this packet.
std::string value_of(std::string_view field, const TracedPacket& packet) {
  const bool v4 = packet.source.address.family() == Family::kIpv4;
  const auto is_transport = [&](std::string_view header) {
    return packet.protocol && (header == "th" || header == to_string(*packet.protocol));
  };
  const auto words = words_of(field);
  if (words.size() != 2) return "";
  if (words[0] == (v4 ? "ip" : "ip6") && words[1] == "daddr") return packet.destination.address.to_string();
  if (words[0] == (v4 ? "ip" : "ip6") && words[1] == "saddr") return packet.source.address.to_string();
  if (words[0] == "meta" && words[1] == "l4proto") return protocol_word(packet);
  if (is_transport(words[0]) && words[1] == "dport") return std::to_string(packet.destination.port);
  if (is_transport(words[0]) && words[1] == "sport") return std::to_string(packet.source.port);
  return "";
}

// The last two words: a field of a key, behind which whatever else the rule asks for stands in front of the first one.
std::string_view last_field(std::string_view text) {
  const auto words = words_of(text);
  if (words.size() < 2) return {};
  const auto* begin = words[words.size() - 2].data();
  return text.substr(static_cast<std::size_t>(begin - text.data()));
}

}  // namespace

ListedTable read_listing(std::string_view text) {
  ListedTable table;
  std::optional<ChainReader> chain;
  while (!text.empty()) {
    const auto size = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    if (line == "\t}") {
      chain.reset();
    } else if (chain) {
      chain->take(line);
    } else if (const auto name = chain_name(line)) {
      chain.emplace(table[*name]);
    }
  }
  return table;
}

std::optional<MapLookup> lookup_of(std::string_view rule, const TracedPacket& packet) {
  constexpr std::string_view kVmap = " vmap @";
  const auto at = rule.find(kVmap);
  if (at == std::string_view::npos) return std::nullopt;
  const auto behind = rule.substr(at + kVmap.size());
  MapLookup lookup{.map = std::string(behind.substr(0, behind.find(' '))), .key = {}, .alone = false};
  auto rest = rule.substr(0, at);
  while (true) {
    const auto field = last_field(rest);
    if (field.empty()) return std::nullopt;
    const auto value = value_of(field, packet);
    if (value.empty()) return std::nullopt;
    lookup.key = lookup.key.empty() ? value : value + " . " + lookup.key;
    rest = rest.substr(0, static_cast<std::size_t>(field.data() - rest.data()));
    if (!trimmed(rest).ends_with(" .")) break;
    rest = trimmed(rest);
    rest.remove_suffix(2);
  }
  // Counters are no condition.
  lookup.alone = trimmed(rest).empty() || trimmed(rest) == "counter";
  return lookup;
}

}  // namespace conntruth::observe
