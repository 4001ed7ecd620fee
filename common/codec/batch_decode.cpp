// Result batches out of their columns (batch_encode.cpp), which may be anybody's bytes.
#include "common/codec/columns.hpp"
#include "common/codec/session_codec.hpp"
#include "common/codec/tables.hpp"

namespace conntruth::codec {

namespace {

// Undoes the encoder's DeltaWriter.
template <typename Unsigned>
class DeltaReader {
 public:
  Unsigned next(std::make_signed_t<Unsigned> delta) {
    previous_ = static_cast<Unsigned>(previous_ + static_cast<Unsigned>(delta));
    return previous_;
  }

 private:
  Unsigned previous_ = 0;
};

std::unexpected<Error> wrong(std::string_view field) {
  return fail(ErrorCode::kInvalidInput, "result batch: " + std::string(field));
}

// Reads SampleColumns from front to back. The dependent columns have as many elements as samples need them; a column
// that ends early or is not used up is an error.
class SampleReader {
 public:
  SampleReader(const v1::SampleColumns& columns, const ReadTables& tables) : columns_(columns), tables_(tables) {}
  [[nodiscard]] Result<std::vector<Sample>> read();

 private:
  [[nodiscard]] Status check_lengths() const;
  [[nodiscard]] Status check_http(int replied) const;
  [[nodiscard]] Status read_replied(Sample& sample);
  [[nodiscard]] Status read_http(Sample& sample);
  [[nodiscard]] Status take_names(int replied);
  void read_name(Sample& sample) const;
  [[nodiscard]] Status read_refused(Refusal& refusal);
  [[nodiscard]] Status read_error(std::string& error);
  [[nodiscard]] Status read_outcome(Sample& sample);

  const v1::SampleColumns& columns_;
  const ReadTables& tables_;
  int answered_ = 0;
  int replied_ = 0;
  int refused_ = 0;
  int unanswered_ = 0;
  int http_ = 0;
  std::vector<NameAnswer> name_answers_;
};

Status SampleReader::check_lengths() const {
  int replied = 0;
  int refused = 0;
  for (const auto value : columns_.outcomes()) {
    const auto outcome = static_cast<v1::Outcome>(value);
    if (outcome == v1::OUTCOME_UNSPECIFIED || !v1::Outcome_IsValid(outcome)) return wrong("outcomes: unknown outcome");
    replied += outcome == v1::OUTCOME_REPLIED ? 1 : 0;
    refused += outcome == v1::OUTCOME_REFUSED ? 1 : 0;
  }
  const auto is = [](int wanted, auto... sizes) { return ((sizes == wanted) && ...); };
  if (!is(columns_.outcomes_size(), columns_.task_deltas_size(), columns_.sequence_deltas_size(),
          columns_.source_ports_size(), columns_.sent_ns_deltas_size())) {
    return wrong("samples: columns differ in length");
  }
  if (!is(replied, columns_.responders_size(), columns_.seen_sources_size(), columns_.seen_source_port_offsets_size(),
          columns_.seen_destinations_size())) {
    return wrong("samples: columns of replies do not match the number of replies");
  }
  if (!is(refused, columns_.refusals_size(), columns_.icmp_size(), columns_.refused_by_size())) {
    return wrong("samples: columns of refusals do not match the number of refusals");
  }
  if (!is(replied + refused, columns_.round_trip_ns_size()) ||
      !is(columns_.outcomes_size() - replied - refused, columns_.errors_size())) {
    return wrong("samples: round_trip_ns or errors do not match the outcomes");
  }
  return check_http(replied);
}

Status SampleReader::check_http(int replied) const {
  int answered = 0;
  for (const auto status : columns_.http_status()) {
    if (status != 0 && (status < 100 || status > 999)) return wrong("http_status: out of range 100..999");
    answered += status == 0 ? 0 : 1;
  }
  if (columns_.http_status_size() != 0 && columns_.http_status_size() != replied)
    return wrong("http_status: does not match the number of replies");
  if (columns_.http_local_endpoints_size() != answered || columns_.http_services_size() != answered)
    return wrong("samples: columns of HTTP answers do not match their number");
  return {};
}

Status SampleReader::take_names(int replied) {
  if (columns_.names_size() != 0 && columns_.names_size() != replied)
    return wrong("names: do not match the number of replies");
  for (const auto& message : columns_.name_answers()) {
    auto answer = codec::take(message);
    if (!answer) return std::unexpected(answer.error().in("result batch: name_answers"));
    name_answers_.push_back(std::move(*answer));
  }
  for (const auto index : columns_.names()) {
    if (index > name_answers_.size()) return wrong("names: no such answer in the table");
  }
  return {};
}

void SampleReader::read_name(Sample& sample) const {
  if (columns_.names_size() == 0) return;
  const auto index = columns_.names(replied_);
  if (index > 0) sample.name = name_answers_[index - 1];
}

Status SampleReader::read_http(Sample& sample) {
  if (columns_.http_status_size() == 0) return {};
  const auto status = columns_.http_status(replied_);
  if (status == 0) return {};
  const auto local = columns_.http_local_endpoints(http_);
  const auto service = columns_.http_services(http_++);
  if (service > static_cast<std::uint32_t>(tables_.message->texts_size()))
    return wrong("http_services: no such text in the table");
  auto& answer = sample.http.emplace();
  answer.status = static_cast<std::uint16_t>(status);
  if (local > 0) answer.local_endpoints = local - 1;
  if (service > 0) answer.service = tables_.message->texts(static_cast<int>(service - 1));
  return {};
}

Status SampleReader::read_replied(Sample& sample) {
  const auto source = columns_.seen_sources(replied_);
  const auto destination = columns_.seen_destinations(replied_);
  if (source >= tables_.addresses.size()) return wrong("seen_sources: no such address in the table");
  if (destination >= tables_.sockets.size()) return wrong("seen_destinations: no such socket in the table");
  const auto port = std::int64_t{sample.source_port} + columns_.seen_source_port_offsets(replied_);
  if (port < 0 || port > 65535) return wrong("seen_source_port_offsets: port out of range 0..65535");
  sample.responder = columns_.responders(replied_);
  sample.seen_source = {tables_.addresses[source], static_cast<std::uint16_t>(port)};
  sample.seen_destination = tables_.sockets[destination];
  if (auto read = read_http(sample); !read) return read;
  read_name(sample);
  ++replied_;
  return {};
}

Status SampleReader::read_refused(Refusal& refusal) {
  const auto kind = columns_.refusals(refused_);
  const auto icmp = columns_.icmp(refused_);
  const auto from = columns_.refused_by(refused_);
  if (!v1::RefusalKind_IsValid(kind)) return wrong("refusals: unknown kind");
  if (icmp > 0xFFFF) return wrong("icmp: out of range 0..65535");
  if (from >= tables_.addresses.size()) return wrong("refused_by: no such address in the table");
  refusal = {static_cast<RefusalKind>(kind), static_cast<std::uint8_t>(icmp >> 8U),
             static_cast<std::uint8_t>(icmp & 0xFFU), tables_.addresses[from]};
  ++refused_;
  return {};
}

Status SampleReader::read_error(std::string& error) {
  const auto index = columns_.errors(unanswered_++);
  if (index > static_cast<std::uint32_t>(tables_.message->texts_size()))
    return wrong("errors: no such text in the table");
  if (index > 0) error = tables_.message->texts(static_cast<int>(index - 1));
  return {};
}

Status SampleReader::read_outcome(Sample& sample) {
  switch (sample.outcome) {
    case Outcome::kReplied:
      sample.round_trip_ns = columns_.round_trip_ns(answered_++);
      return read_replied(sample);
    case Outcome::kRefused:
      sample.round_trip_ns = columns_.round_trip_ns(answered_++);
      return read_refused(sample.refusal);
    case Outcome::kTimedOut:
    case Outcome::kToolError:
      return read_error(sample.error);
  }
  return wrong("outcomes: unknown outcome");
}

Result<std::vector<Sample>> SampleReader::read() {
  if (auto lengths = check_lengths(); !lengths) return std::unexpected(lengths.error());
  if (auto names = take_names(columns_.responders_size()); !names) return std::unexpected(names.error());
  std::vector<Sample> samples(static_cast<std::size_t>(columns_.outcomes_size()));
  DeltaReader<std::uint32_t> task;
  DeltaReader<std::uint32_t> sequence;
  DeltaReader<std::uint64_t> sent;
  int i = 0;
  for (auto& sample : samples) {
    const auto task_id = task.next(columns_.task_deltas(i));
    sample.id = probe_id(task_id, sequence.next(columns_.sequence_deltas(i)));
    if (columns_.source_ports(i) > 65535) return wrong("source_ports: out of range 0..65535");
    sample.source_port = static_cast<std::uint16_t>(columns_.source_ports(i));
    sample.sent_ns = static_cast<std::int64_t>(sent.next(columns_.sent_ns_deltas(i)));
    sample.outcome = static_cast<Outcome>(columns_.outcomes(i));
    if (auto read = read_outcome(sample); !read) return std::unexpected(read.error());
    ++i;
  }
  return samples;
}

Result<std::vector<Sight>> read_sights(const v1::SightColumns& columns, const ReadTables& tables) {
  const int size = columns.responders_size();
  if (columns.task_deltas_size() != size || columns.sequence_deltas_size() != size || columns.sources_size() != size ||
      columns.source_ports_size() != size || columns.received_ns_deltas_size() != size ||
      (columns.destinations_size() != 0 && columns.destinations_size() != size)) {
    return wrong("sights: columns differ in length");
  }
  std::vector<Sight> sights(static_cast<std::size_t>(size));
  DeltaReader<std::uint32_t> task;
  DeltaReader<std::uint32_t> sequence;
  DeltaReader<std::uint64_t> received;
  int i = 0;
  for (auto& sight : sights) {
    if (columns.sources(i) >= tables.addresses.size()) return wrong("sources: no such address in the table");
    if (columns.source_ports(i) > 65535) return wrong("source_ports: out of range 0..65535");
    const auto task_id = task.next(columns.task_deltas(i));
    sight.id = probe_id(task_id, sequence.next(columns.sequence_deltas(i)));
    sight.responder = columns.responders(i);
    sight.source = {tables.addresses[columns.sources(i)], static_cast<std::uint16_t>(columns.source_ports(i))};
    sight.received_ns = static_cast<std::int64_t>(received.next(columns.received_ns_deltas(i)));
    const auto place = columns.destinations_size() == 0 ? 0U : columns.destinations(i);
    if (place > tables.sockets.size()) return wrong("destinations: no such socket in the table");
    if (place > 0) sight.destination = tables.sockets[place - 1];
    ++i;
  }
  return sights;
}

Result<std::vector<Hop>> read_hops(const v1::ResultBatch& message, const ReadTables& tables) {
  if (static_cast<std::size_t>(message.hops_size()) > kMaxHops) return wrong("hops: more than 65536");
  std::vector<Hop> hops;
  hops.reserve(static_cast<std::size_t>(message.hops_size()));
  for (const auto& each : message.hops()) {
    auto hop = take(each, tables);
    if (!hop) return std::unexpected(hop.error().in("result batch: hops"));
    hops.push_back(std::move(*hop));
  }
  return hops;
}

Result<std::vector<RuleStep>> read_rules(const v1::ResultBatch& message, const ReadTables& tables) {
  if (static_cast<std::size_t>(message.rules_size()) > kMaxRules) return wrong("rules: more than 65536");
  std::vector<RuleStep> steps;
  steps.reserve(static_cast<std::size_t>(message.rules_size()));
  for (const auto& each : message.rules()) {
    auto step = take(each, tables);
    if (!step) return std::unexpected(step.error().in("result batch: rules"));
    steps.push_back(std::move(*step));
  }
  return steps;
}

Result<std::vector<EntryLife>> read_entries(const v1::ResultBatch& message, const ReadTables& tables) {
  if (static_cast<std::size_t>(message.entries_size()) > kMaxEntries) return wrong("entries: more than 65536");
  std::vector<EntryLife> entries;
  entries.reserve(static_cast<std::size_t>(message.entries_size()));
  for (const auto& each : message.entries()) {
    auto entry = take(each, tables);
    if (!entry) return std::unexpected(entry.error().in("result batch: entries"));
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<std::vector<Ruleset>> read_rulesets(const v1::ResultBatch& message) {
  if (static_cast<std::size_t>(message.rulesets_size()) > kMaxRulesets) return wrong("rulesets: more than 1024");
  std::vector<Ruleset> rulesets;
  for (const auto& each : message.rulesets()) {
    auto ruleset = take(each);
    if (!ruleset) return std::unexpected(ruleset.error().in("result batch: rulesets"));
    rulesets.push_back(std::move(*ruleset));
  }
  return rulesets;
}

}  // namespace

Result<ReadTables> ReadTables::from(const v1::ResultBatch& message) {
  ReadTables tables;
  tables.message = &message;
  for (const auto& text : message.texts()) {
    if (!is_clean_text(text)) return wrong("texts: not printable or too long");
  }
  for (const auto& bytes : message.addresses()) {
    auto address = address_from(bytes);
    if (!address) return std::unexpected(address.error().in("result batch: addresses"));
    tables.addresses.push_back(*address);
  }
  if (message.socket_addresses_size() != message.socket_ports_size()) return wrong("sockets: columns differ in length");
  for (int i = 0; i < message.socket_ports_size(); ++i) {
    const auto address = message.socket_addresses(i);
    if (address >= tables.addresses.size()) return wrong("socket_addresses: no such address in the table");
    if (message.socket_ports(i) > 65535) return wrong("socket_ports: out of range 0..65535");
    tables.sockets.push_back({tables.addresses[address], static_cast<std::uint16_t>(message.socket_ports(i))});
  }
  return tables;
}

Result<ResultBatch> take(const v1::ResultBatch& message) {
  if (message.sequence() == 0) return wrong("sequence: 0, they count from 1");
  if (!is_clean_text(message.assignment_error())) return wrong("assignment_error: not printable or too long");
  auto tables = ReadTables::from(message);
  if (!tables) return std::unexpected(tables.error());
  auto samples = SampleReader(message.samples(), *tables).read();
  if (!samples) return std::unexpected(samples.error());
  auto sights = read_sights(message.sights(), *tables);
  if (!sights) return std::unexpected(sights.error());
  auto hops = read_hops(message, *tables);
  if (!hops) return std::unexpected(hops.error());
  auto rules = read_rules(message, *tables);
  if (!rules) return std::unexpected(rules.error());
  auto entries = read_entries(message, *tables);
  if (!entries) return std::unexpected(entries.error());
  auto rulesets = read_rulesets(message);
  if (!rulesets) return std::unexpected(rulesets.error());
  ResultBatch batch{.sequence = message.sequence(),
                    .assignment = message.assignment(),
                    .samples = std::move(*samples),
                    .sights = std::move(*sights),
                    .losses = {},
                    .assignment_done = message.assignment_done(),
                    .assignment_quiet = message.assignment_quiet(),
                    .assignment_error = message.assignment_error(),
                    .hops = std::move(*hops),
                    .notes = {},
                    .rules = std::move(*rules),
                    .entries = std::move(*entries),
                    .rulesets = std::move(*rulesets)};
  for (const auto& loss : message.losses()) {
    if (!is_clean_text(loss.name())) return wrong("losses: name: not printable or too long");
    batch.losses.push_back({loss.name(), loss.count()});
  }
  for (const auto& note : message.notes()) {
    if (!is_clean_text(note)) return wrong("notes: not printable or too long");
    batch.notes.push_back(note);
  }
  return batch;
}

}  // namespace conntruth::codec
