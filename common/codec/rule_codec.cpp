// Steps of the packet filter, a message each.
#include "common/codec/session_codec.hpp"
#include "common/codec/tables.hpp"

namespace conntruth::codec {

namespace {

std::unexpected<Error> wrong(std::string_view what) { return fail(ErrorCode::kInvalidInput, std::string(what)); }

Status check_ranges(const v1::RuleStep& message) {
  if (message.event() == v1::RULE_EVENT_UNSPECIFIED || !v1::RuleEvent_IsValid(message.event()))
    return wrong("event: unknown");
  if (message.verdict() == v1::RULE_VERDICT_UNSPECIFIED || !v1::RuleVerdict_IsValid(message.verdict()))
    return wrong("verdict: unknown");
  if (message.protocol() == v1::PROTOCOL_UNSPECIFIED || !v1::Protocol_IsValid(message.protocol()))
    return wrong("protocol: unknown");
  if (message.hook() > static_cast<std::uint32_t>(NetfilterHook::kPostrouting)) return wrong("hook: out of range 0..4");
  return {};
}

}  // namespace

void put(const RuleStep& step, WriteTables& tables, v1::RuleStep& message) {
  message.set_task(task_of(step.probe));
  message.set_sequence(sequence_of(step.probe));
  message.set_answer(step.answer);
  message.set_order(step.order);
  message.set_place(text_index(step.place, tables));
  message.set_protocol(static_cast<v1::Protocol>(step.protocol));
  message.set_source(tables.sockets.index(step.source));
  message.set_destination(tables.sockets.index(step.destination));
  message.set_hook(static_cast<std::uint32_t>(step.hook));
  message.set_priority(step.priority);
  message.set_nat(step.nat);
  message.set_event(static_cast<v1::RuleEvent>(step.event));
  message.set_verdict(static_cast<v1::RuleVerdict>(step.verdict));
  message.set_to(text_index(step.to, tables));
  message.set_table(text_index(step.table, tables));
  message.set_chain(text_index(step.chain, tables));
  message.set_handle(step.handle);
  message.set_text(text_index(step.text, tables));
  message.set_mark(step.mark);
}

Result<RuleStep> take(const v1::RuleStep& message, const ReadTables& tables) {
  if (auto checked = check_ranges(message); !checked) return std::unexpected(checked.error());
  Lookup lookup(tables);
  RuleStep step{.probe = probe_id(message.task(), message.sequence()),
                .answer = message.answer(),
                .order = message.order(),
                .place = lookup.text(message.place(), "place"),
                .protocol = static_cast<Protocol>(message.protocol()),
                .source = lookup.socket(message.source(), "source"),
                .destination = lookup.socket(message.destination(), "destination"),
                .hook = static_cast<NetfilterHook>(message.hook()),
                .priority = message.priority(),
                .nat = message.nat(),
                .event = static_cast<RuleEvent>(message.event()),
                .verdict = static_cast<RuleVerdict>(message.verdict()),
                .to = lookup.text(message.to(), "to"),
                .table = lookup.text(message.table(), "table"),
                .chain = lookup.text(message.chain(), "chain"),
                .handle = message.handle(),
                .text = lookup.text(message.text(), "text"),
                .mark = message.mark()};
  if (!lookup.error().empty()) return wrong(lookup.error());
  return step;
}

}  // namespace conntruth::codec
