// Lives of entries of connection tracking, and rulesets, a message each.
#include "common/codec/session_codec.hpp"
#include "common/codec/tables.hpp"

namespace conntruth::codec {

namespace {

std::unexpected<Error> wrong(std::string_view what) { return fail(ErrorCode::kInvalidInput, std::string(what)); }

Status check_ranges(const v1::EntryLife& message) {
  if (message.protocol() == v1::PROTOCOL_UNSPECIFIED || !v1::Protocol_IsValid(message.protocol()))
    return wrong("protocol: unknown");
  if (message.zone() > 65535) return wrong("zone: out of range 0..65535");
  if (!v1::EntryEnd_IsValid(message.end())) return wrong("end: unknown");
  return {};
}

}  // namespace

void put(const EntryLife& entry, WriteTables& tables, v1::EntryLife& message) {
  message.set_place(text_index(entry.place, tables));
  message.set_id(entry.id);
  message.set_protocol(static_cast<v1::Protocol>(entry.protocol));
  message.set_original_source(tables.sockets.index(entry.original_source));
  message.set_original_destination(tables.sockets.index(entry.original_destination));
  message.set_reply_source(tables.sockets.index(entry.reply_source));
  message.set_reply_destination(tables.sockets.index(entry.reply_destination));
  message.set_status(entry.status);
  message.set_mark(entry.mark);
  message.set_zone(entry.zone);
  message.set_timeout_s(entry.timeout_s);
  message.set_before(entry.before);
  message.set_after(entry.after);
  message.set_created_ns(entry.created_ns);
  message.set_updated_ns(entry.updated_ns);
  message.set_updates(entry.updates);
  message.set_destroyed_ns(entry.destroyed_ns);
  message.set_end(static_cast<v1::EntryEnd>(entry.end));
  message.set_remover(entry.remover);
  message.set_remover_name(text_index(entry.remover_name, tables));
  message.set_others(entry.others);
  message.set_gaps(entry.gaps);
}

Result<EntryLife> take(const v1::EntryLife& message, const ReadTables& tables) {
  if (auto checked = check_ranges(message); !checked) return std::unexpected(checked.error());
  Lookup lookup(tables);
  EntryLife entry{.place = lookup.text(message.place(), "place"),
                  .id = message.id(),
                  .protocol = static_cast<Protocol>(message.protocol()),
                  .original_source = lookup.socket(message.original_source(), "original_source"),
                  .original_destination = lookup.socket(message.original_destination(), "original_destination"),
                  .reply_source = lookup.socket(message.reply_source(), "reply_source"),
                  .reply_destination = lookup.socket(message.reply_destination(), "reply_destination"),
                  .status = message.status(),
                  .mark = message.mark(),
                  .zone = static_cast<std::uint16_t>(message.zone()),
                  .timeout_s = message.timeout_s(),
                  .before = message.before(),
                  .after = message.after(),
                  .created_ns = message.created_ns(),
                  .updated_ns = message.updated_ns(),
                  .updates = message.updates(),
                  .destroyed_ns = message.destroyed_ns(),
                  .end = static_cast<EntryEnd>(message.end()),
                  .remover = message.remover(),
                  .remover_name = lookup.text(message.remover_name(), "remover_name"),
                  .others = message.others(),
                  .gaps = message.gaps()};
  if (!lookup.error().empty()) return wrong(lookup.error());
  return entry;
}

void put(const Ruleset& ruleset, v1::Ruleset& message) {
  message.set_place(clean_text(ruleset.place));
  message.set_at_ns(ruleset.at_ns);
  message.set_unix_ns(ruleset.unix_ns);
  message.set_text_bytes(ruleset.text_bytes);
  message.set_text_zstd(ruleset.text_zstd);
  message.set_error(clean_text(ruleset.error));
}

// What is compressed stays so: whoever wants the text bounds it.
Result<Ruleset> take(const v1::Ruleset& message) {
  if (!is_clean_text(message.place())) return wrong("place: not printable or too long");
  if (!is_clean_text(message.error())) return wrong("error: not printable or too long");
  if (message.text_zstd().size() > kMaxRulesetBytes) return wrong("text_zstd: longer than 16 MiB");
  return Ruleset{.place = message.place(),
                 .at_ns = message.at_ns(),
                 .unix_ns = message.unix_ns(),
                 .text_bytes = message.text_bytes(),
                 .text_zstd = message.text_zstd(),
                 .error = message.error()};
}

}  // namespace conntruth::codec
