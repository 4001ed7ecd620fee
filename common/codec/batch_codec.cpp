// Result batches in columns: every field of the samples is one packed list, addresses stand once in a table.
#include <algorithm>
#include <functional>
#include <map>
#include <unordered_map>

#include "common/codec/columns.hpp"
#include "common/codec/session_codec.hpp"

namespace conntruth::codec {

namespace {

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

struct Tables {
  explicit Tables(v1::ResultBatch& message)
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

void put_replied(const Sample& sample, Tables& tables, v1::SampleColumns& columns) {
  columns.add_responders(sample.responder);
  columns.add_seen_sources(tables.addresses.index(sample.seen_source.address));
  columns.add_seen_source_port_offsets(static_cast<std::int32_t>(sample.seen_source.port) - sample.source_port);
  columns.add_seen_destinations(tables.sockets.index(sample.seen_destination));
}

// Columns of their own, which a batch without HTTP answers does not have.
void put_http(const std::vector<Sample>& samples, Tables& tables, v1::SampleColumns& columns) {
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

void put_refused(const Refusal& refusal, Tables& tables, v1::SampleColumns& columns) {
  columns.add_refusals(static_cast<v1::RefusalKind>(refusal.kind));
  columns.add_icmp(refusal.icmp_type * 256U + refusal.icmp_code);
  columns.add_refused_by(tables.addresses.index(refusal.from));
}

void put_samples(const std::vector<Sample>& samples, Tables& tables, v1::SampleColumns& columns) {
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

void put_destinations(const std::vector<Sight>& sights, Tables& tables, v1::SightColumns& columns) {
  const auto known = [](const Sight& sight) { return sight.destination != SocketAddress{}; };
  if (std::ranges::none_of(sights, known)) return;
  for (const auto& each : sights)
    columns.add_destinations(known(each) ? tables.sockets.index(each.destination) + 1 : 0);
}

void put_sights(const std::vector<Sight>& sights, Tables& tables, v1::SightColumns& columns) {
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

std::unexpected<Error> wrong(std::string_view field) {
  return fail(ErrorCode::kInvalidInput, "result batch: " + std::string(field));
}

// The tables of a message, checked once; columns then index into them.
struct ReadTables {
  std::vector<IpAddress> addresses;
  std::vector<SocketAddress> sockets;
  const v1::ResultBatch* message = nullptr;

  [[nodiscard]] static Result<ReadTables> from(const v1::ResultBatch& message);
};

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
  Tables tables(message);
  if (!batch.samples.empty()) put_samples(batch.samples, tables, *message.mutable_samples());
  if (!batch.sights.empty()) put_sights(batch.sights, tables, *message.mutable_sights());
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
  ResultBatch batch{.sequence = message.sequence(),
                    .assignment = message.assignment(),
                    .samples = std::move(*samples),
                    .sights = std::move(*sights),
                    .losses = {},
                    .assignment_done = message.assignment_done(),
                    .assignment_quiet = message.assignment_quiet(),
                    .assignment_error = message.assignment_error()};
  for (const auto& loss : message.losses()) {
    if (!is_clean_text(loss.name())) return wrong("losses: name: not printable or too long");
    batch.losses.push_back({loss.name(), loss.count()});
  }
  return batch;
}

}  // namespace conntruth::codec
