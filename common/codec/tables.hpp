#pragma once
// The tables of a result batch: addresses, sockets and texts stand in it once, everything else has their index. Only
// for this room.

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/codec/columns.hpp"
#include "common/model/entry_life.hpp"
#include "common/model/hop.hpp"
#include "common/model/rule_step.hpp"
#include "common/model/ruleset.hpp"

namespace conntruth::codec {

// Gives every distinct value the index of its first appearance and tells `append` about new ones.
template <typename Value>
class Interner {
 public:
  explicit Interner(std::function<void(const Value&)> append) : append_(std::move(append)) {}
  std::uint32_t index(const Value& value) {
    const auto [position, is_new] = indices_.try_emplace(value, static_cast<std::uint32_t>(indices_.size()));
    if (is_new) append_(value);
    return position->second;
  }

 private:
  std::function<void(const Value&)> append_;
  std::unordered_map<Value, std::uint32_t> indices_;
};

struct WriteTables {
  explicit WriteTables(v1::ResultBatch& message)
      : addresses([&message](const IpAddress& address) { message.add_addresses(address_bytes(address)); }),
        sockets([this, &message](const SocketAddress& socket) {
          message.add_socket_addresses(addresses.index(socket.address));
          message.add_socket_ports(socket.port);
        }),
        texts([&message](const std::string& text) { message.add_texts(text); }) {}
  Interner<IpAddress> addresses;
  Interner<SocketAddress> sockets;
  Interner<std::string> texts;
};

// The tables of a message, checked once; columns then index into them.
struct ReadTables {
  std::vector<IpAddress> addresses;
  std::vector<SocketAddress> sockets;
  const v1::ResultBatch* message = nullptr;

  [[nodiscard]] static Result<ReadTables> from(const v1::ResultBatch& message);
};

// Of a batch: each takes many times the bytes that it comes in.
inline constexpr std::size_t kMaxHops = 65'536;
inline constexpr std::size_t kMaxRules = 65'536;
inline constexpr std::size_t kMaxEntries = 65'536;
inline constexpr std::size_t kMaxRulesets = 1024;

[[nodiscard]] inline std::uint32_t text_index(const std::string& text, WriteTables& tables) {
  return text.empty() ? 0 : tables.texts.index(clean_text(text)) + 1;
}

// Reads what a message points to; the first index that points nowhere is kept as the error.
class Lookup {
 public:
  explicit Lookup(const ReadTables& tables) : tables_(tables) {}
  [[nodiscard]] SocketAddress socket(std::uint32_t index, std::string_view field) {
    if (index < tables_.sockets.size()) return tables_.sockets[index];
    note(field, "no such socket in the table");
    return {};
  }
  [[nodiscard]] std::string text(std::uint32_t index, std::string_view field) {
    if (index == 0) return {};
    if (index <= static_cast<std::uint32_t>(tables_.message->texts_size()))
      return tables_.message->texts(static_cast<int>(index - 1));
    note(field, "no such text in the table");
    return {};
  }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  void note(std::string_view field, std::string_view what) {
    if (error_.empty()) error_ = std::string(field) + ": " + std::string(what);
  }
  const ReadTables& tables_;
  std::string error_;
};

void put(const Hop& hop, WriteTables& tables, v1::Hop& message);
[[nodiscard]] Result<Hop> take(const v1::Hop& message, const ReadTables& tables);
void put(const RuleStep& step, WriteTables& tables, v1::RuleStep& message);
[[nodiscard]] Result<RuleStep> take(const v1::RuleStep& message, const ReadTables& tables);
void put(const EntryLife& entry, WriteTables& tables, v1::EntryLife& message);
[[nodiscard]] Result<EntryLife> take(const v1::EntryLife& message, const ReadTables& tables);
void put(const Ruleset& ruleset, v1::Ruleset& message);
[[nodiscard]] Result<Ruleset> take(const v1::Ruleset& message);

}  // namespace conntruth::codec
