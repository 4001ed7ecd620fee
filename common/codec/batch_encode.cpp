// Result batches into columns: every field of the samples is one packed list, addresses stand once in a table.
#include <algorithm>
#include <map>

#include "common/codec/columns.hpp"
#include "common/codec/session_codec.hpp"
#include "common/codec/tables.hpp"

namespace conntruth::codec {

namespace {

// Differences in wrapping arithmetic: any value can follow any other.
template <typename Unsigned>
class DeltaWriter {
 public:
  std::make_signed_t<Unsigned> next(Unsigned value) {
    const auto delta = static_cast<std::make_signed_t<Unsigned>>(static_cast<Unsigned>(value - previous_));
    previous_ = value;
    return delta;
  }

 private:
  Unsigned previous_ = 0;
};

void put_replied(const Sample& sample, WriteTables& tables, v1::SampleColumns& columns) {
  columns.add_responders(sample.responder);
  columns.add_seen_sources(tables.addresses.index(sample.seen_source.address));
  columns.add_seen_source_port_offsets(static_cast<std::int32_t>(sample.seen_source.port) - sample.source_port);
  columns.add_seen_destinations(tables.sockets.index(sample.seen_destination));
}

// Columns of their own, which a batch without HTTP answers does not have.
void put_http(const std::vector<Sample>& samples, WriteTables& tables, v1::SampleColumns& columns) {
  const auto has_http = [](const Sample& sample) { return sample.outcome == Outcome::kReplied && sample.http; };
  if (std::ranges::none_of(samples, has_http)) return;
  for (const auto& sample : samples) {
    if (sample.outcome != Outcome::kReplied) continue;
    const bool asked = sample.http && sample.http->status != 0;
    columns.add_http_status(asked ? sample.http->status : 0);
    if (!asked) continue;
    const auto& [status, local, service] = *sample.http;
    columns.add_http_local_endpoints(local && *local < UINT64_MAX ? *local + 1 : 0);
    columns.add_http_services(service.empty() ? 0 : tables.texts.index(clean_text(service)) + 1);
  }
}

// The same for answers of DNS servers.
void put_names(const std::vector<Sample>& samples, v1::SampleColumns& columns) {
  const auto has_name = [](const Sample& sample) { return sample.outcome == Outcome::kReplied && sample.name; };
  if (std::ranges::none_of(samples, has_name)) return;
  std::map<NameAnswer, std::uint32_t> known;
  for (const auto& sample : samples) {
    if (sample.outcome != Outcome::kReplied) continue;
    if (!sample.name) {
      columns.add_names(0);
      continue;
    }
    const auto [position, is_new] = known.try_emplace(*sample.name, static_cast<std::uint32_t>(known.size() + 1));
    if (is_new) put(*sample.name, *columns.add_name_answers());
    columns.add_names(position->second);
  }
}

void put_refused(const Refusal& refusal, WriteTables& tables, v1::SampleColumns& columns) {
  columns.add_refusals(static_cast<v1::RefusalKind>(refusal.kind));
  columns.add_icmp(refusal.icmp_type * 256U + refusal.icmp_code);
  columns.add_refused_by(tables.addresses.index(refusal.from));
}

void put_samples(const std::vector<Sample>& samples, WriteTables& tables, v1::SampleColumns& columns) {
  const auto size = static_cast<int>(samples.size());
  columns.mutable_task_deltas()->Reserve(size);
  columns.mutable_sequence_deltas()->Reserve(size);
  columns.mutable_outcomes()->Reserve(size);
  columns.mutable_source_ports()->Reserve(size);
  columns.mutable_sent_ns_deltas()->Reserve(size);
  DeltaWriter<std::uint32_t> task;
  DeltaWriter<std::uint32_t> sequence;
  DeltaWriter<std::uint64_t> sent;
  for (const auto& sample : samples) {
    columns.add_task_deltas(task.next(task_of(sample.id)));
    columns.add_sequence_deltas(sequence.next(sequence_of(sample.id)));
    columns.add_outcomes(static_cast<v1::Outcome>(sample.outcome));
    columns.add_source_ports(sample.source_port);
    columns.add_sent_ns_deltas(sent.next(static_cast<std::uint64_t>(sample.sent_ns)));
    const bool replied = sample.outcome == Outcome::kReplied;
    const bool refused = sample.outcome == Outcome::kRefused;
    if (replied || refused) columns.add_round_trip_ns(sample.round_trip_ns);
    if (replied) put_replied(sample, tables, columns);
    if (refused) put_refused(sample.refusal, tables, columns);
    if (!replied && !refused) {
      columns.add_errors(sample.error.empty() ? 0 : tables.texts.index(clean_text(sample.error)) + 1);
    }
  }
  put_http(samples, tables, columns);
  put_names(samples, columns);
}

void put_destinations(const std::vector<Sight>& sights, WriteTables& tables, v1::SightColumns& columns) {
  const auto known = [](const Sight& sight) { return sight.destination != SocketAddress{}; };
  if (std::ranges::none_of(sights, known)) return;
  for (const auto& each : sights)
    columns.add_destinations(known(each) ? tables.sockets.index(each.destination) + 1 : 0);
}

void put_sights(const std::vector<Sight>& sights, WriteTables& tables, v1::SightColumns& columns) {
  DeltaWriter<std::uint32_t> task;
  DeltaWriter<std::uint32_t> sequence;
  DeltaWriter<std::uint64_t> received;
  for (const auto& sight : sights) {
    columns.add_task_deltas(task.next(task_of(sight.id)));
    columns.add_sequence_deltas(sequence.next(sequence_of(sight.id)));
    columns.add_responders(sight.responder);
    columns.add_sources(tables.addresses.index(sight.source.address));
    columns.add_source_ports(sight.source.port);
    columns.add_received_ns_deltas(received.next(static_cast<std::uint64_t>(sight.received_ns)));
  }
  put_destinations(sights, tables, columns);
}

}  // namespace

void put(const ResultBatch& batch, v1::ResultBatch& message) {
  message.set_sequence(batch.sequence);
  message.set_assignment(batch.assignment);
  message.set_assignment_done(batch.assignment_done);
  message.set_assignment_quiet(batch.assignment_quiet);
  message.set_assignment_error(clean_text(batch.assignment_error));
  for (const auto& loss : batch.losses) {
    auto& entry = *message.add_losses();
    entry.set_name(loss.name);
    entry.set_count(loss.count);
  }
  WriteTables tables(message);
  if (!batch.samples.empty()) put_samples(batch.samples, tables, *message.mutable_samples());
  if (!batch.sights.empty()) put_sights(batch.sights, tables, *message.mutable_sights());
  for (const auto& hop : batch.hops) put(hop, tables, *message.add_hops());
  for (const auto& step : batch.rules) put(step, tables, *message.add_rules());
  for (const auto& entry : batch.entries) put(entry, tables, *message.add_entries());
  for (const auto& ruleset : batch.rulesets) put(ruleset, *message.add_rulesets());
  for (const auto& note : batch.notes) message.add_notes(clean_text(note));
}

}  // namespace conntruth::codec
