// Assignments: few and small, one message per responder and task.
#include <fmt/format.h>

#include <algorithm>

#include "common/codec/columns.hpp"
#include "common/codec/session_codec.hpp"

namespace conntruth::codec {

namespace {

constexpr std::chrono::milliseconds kLongest = std::chrono::hours(1);

std::unexpected<Error> wrong(std::string_view kind, std::uint32_t id, std::string_view what) {
  return fail(ErrorCode::kInvalidInput, fmt::format("assignment: {} {}: {}", kind, id, what));
}

Status check_responder(const ResponderSpec& spec) {
  if (spec.id == 0) return wrong("responder", spec.id, "id: 0, they count from 1");
  if (spec.port == 0) return wrong("responder", spec.id, "port: 0 is out of range 1..65535");
  return {};
}

// It becomes part of a request line.
bool is_path(const std::string& path) {
  const auto fits = [](char each) { return each > ' ' && each <= '~'; };
  return path.empty() || (path.front() == '/' && path.size() <= kMaxTextBytes && std::ranges::all_of(path, fits));
}

bool may_be_foreign(Method method) {
  return method == Method::kTcpSyn || method == Method::kSctpInit || method == Method::kUdpCrafted;
}

Status check_task(const ProbeTask& task) {
  if (task.id == 0) return wrong("task", task.id, "id: 0, they count from 1");
  if (task.count == 0) return wrong("task", task.id, "count: 0, at least one probe is sent");
  if (task.interval.count() < 0 || task.interval > kLongest) return wrong("task", task.id, "interval: not in 0 .. 1 h");
  if (task.timeout.count() < 1 || task.timeout > kLongest) return wrong("task", task.id, "timeout: not in 1 ms .. 1 h");
  if (task.connection != 0 && task.method != Method::kTcpSocket)
    return wrong("task", task.id, "connection: only tcp-socket probes share one");
  if ((task.method == Method::kHttpGet) != !task.path.empty())
    return wrong("task", task.id, "path: http-get probes have one and no others");
  if (task.foreign && !may_be_foreign(task.method))
    return wrong("task", task.id, "foreign: only crafted probes ask whom they do not know");
  if (!is_path(task.path)) return wrong("task", task.id, "path: not printable, or it does not begin with /");
  const bool lookup = task.method == Method::kDnsLookup;
  if (lookup != !task.name.empty()) return wrong("task", task.id, "name: dns-lookup probes have one and no others");
  if (task.until_name && !lookup) return wrong("task", task.id, "until_name: only dns-lookup probes have one");
  return {};
}

Result<PodPlace> take_place(const v1::Place& message) {
  if (message.name().empty() || !is_clean_text(message.name()))
    return fail(ErrorCode::kInvalidInput, "assignment: place: its name is empty, not printable or too long");
  PodPlace place{message.name(), {}};
  for (const auto& bytes : message.addresses()) {
    const auto address = address_from(bytes);
    if (!address)
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("assignment: place {}: address: not 4 or 16 bytes", place.name));
    place.addresses.push_back(*address);
  }
  return place;
}

Result<ResponderSpec> take_responder(const v1::Responder& message) {
  if (message.protocol() == v1::PROTOCOL_UNSPECIFIED || !v1::Protocol_IsValid(message.protocol())) {
    return wrong("responder", message.id(), "protocol: unknown");
  }
  if (!is_clean_text(message.place())) return wrong("responder", message.id(), "place: not printable or too long");
  if (message.port() > 65535) return wrong("responder", message.id(), "port: out of range 1..65535");
  return ResponderSpec{.id = message.id(),
                       .place = message.place(),
                       .protocol = static_cast<Protocol>(message.protocol()),
                       .port = static_cast<std::uint16_t>(message.port())};
}

Result<ProbeTask> take_task(const v1::Task& message) {
  const auto id = message.id();
  if (message.method() == v1::METHOD_UNSPECIFIED || !v1::Method_IsValid(message.method())) {
    return wrong("task", id, "method: unknown");
  }
  if (!is_clean_text(message.place())) return wrong("task", id, "place: not printable or too long");
  const auto source = address_from(message.source());
  const auto target = address_from(message.target());
  if (!source || !target) return wrong("task", id, "source or target: not 4 or 16 bytes");
  if (message.target_port() > 65535 || message.source_port() > 65535) return wrong("task", id, "port: out of range");
  const auto longest_us = std::chrono::microseconds(kLongest).count();
  if (message.interval_us() > static_cast<std::uint64_t>(longest_us)) return wrong("task", id, "interval: over 1 h");
  ProbeTask task;
  task.id = id;
  task.place = message.place();
  task.source = *source;
  task.target = {*target, static_cast<std::uint16_t>(message.target_port())};
  task.method = static_cast<Method>(message.method());
  task.count = message.count();
  task.interval = std::chrono::microseconds(static_cast<std::int64_t>(message.interval_us()));
  task.timeout = std::chrono::milliseconds(message.timeout_ms());
  task.source_port = static_cast<std::uint16_t>(message.source_port());
  task.until_responders.assign(message.until_responders().begin(), message.until_responders().end());
  task.until_count = message.until_count();
  task.until_refused = message.until_refused();
  task.until_timed_out = message.until_timed_out();
  task.connection = message.connection();
  task.path = message.path();
  task.foreign = message.foreign();
  if (!is_clean_text(message.name())) return wrong("task", id, "name: not printable or too long");
  task.name = message.name();
  if (!message.has_until_name()) return task;
  auto until = codec::take(message.until_name());
  if (!until) return wrong("task", id, "until_" + until.error().message);
  task.until_name = std::move(*until);
  return task;
}

Result<FlowQuestion> take_question(const v1::FlowQuestion& message) {
  const auto id = message.task();
  if (message.protocol() == v1::PROTOCOL_UNSPECIFIED || !v1::Protocol_IsValid(message.protocol()))
    return wrong("question", id, "protocol: unknown");
  const auto source = address_from(message.source());
  const auto destination = address_from(message.destination());
  if (!source || !destination) return wrong("question", id, "source or destination: not 4 or 16 bytes");
  if (source->family() != destination->family()) return wrong("question", id, "addresses: of two families");
  if (message.source_port() > 65535 || message.destination_port() > 65535)
    return wrong("question", id, "port: out of range");
  return FlowQuestion{.id = probe_id(id, message.sequence()),
                      .protocol = static_cast<Protocol>(message.protocol()),
                      .source = {*source, static_cast<std::uint16_t>(message.source_port())},
                      .destination = {*destination, static_cast<std::uint16_t>(message.destination_port())}};
}

void put_question(const FlowQuestion& question, v1::FlowQuestion& message) {
  message.set_task(task_of(question.id));
  message.set_sequence(sequence_of(question.id));
  message.set_protocol(static_cast<v1::Protocol>(question.protocol));
  message.set_source(address_bytes(question.source.address));
  message.set_source_port(question.source.port);
  message.set_destination(address_bytes(question.destination.address));
  message.set_destination_port(question.destination.port);
}

}  // namespace

Status check(const Assignment& assignment) {
  if (assignment.id == 0) return fail(ErrorCode::kInvalidInput, "assignment: id: 0, they count from 1");
  for (const auto& spec : assignment.responders) {
    if (auto checked = check_responder(spec); !checked) return checked;
  }
  for (const auto& task : assignment.tasks) {
    if (auto checked = check_task(task); !checked) return checked;
  }
  return {};
}

void put(const Assignment& assignment, v1::Assign& message) {
  message.set_id(assignment.id);
  for (const auto& place : assignment.places) {
    auto& entry = *message.add_places();
    entry.set_name(place.name);
    for (const auto& address : place.addresses) entry.add_addresses(address_bytes(address));
  }
  for (const auto& spec : assignment.responders) {
    auto& entry = *message.add_responders();
    entry.set_id(spec.id);
    entry.set_place(spec.place);
    entry.set_protocol(static_cast<v1::Protocol>(spec.protocol));
    entry.set_port(spec.port);
  }
  for (const auto id : assignment.drop_responders) message.add_drop_responders(id);
  for (const auto& task : assignment.tasks) {
    auto& entry = *message.add_tasks();
    entry.set_id(task.id);
    entry.set_place(task.place);
    entry.set_source(address_bytes(task.source));
    entry.set_target(address_bytes(task.target.address));
    entry.set_target_port(task.target.port);
    entry.set_method(static_cast<v1::Method>(task.method));
    entry.set_count(task.count);
    entry.set_interval_us(static_cast<std::uint64_t>(task.interval.count()));
    entry.set_timeout_ms(static_cast<std::uint32_t>(task.timeout.count()));
    entry.set_source_port(task.source_port);
    for (const auto responder : task.until_responders) entry.add_until_responders(responder);
    entry.set_until_count(task.until_count);
    entry.set_until_refused(task.until_refused);
    entry.set_until_timed_out(task.until_timed_out);
    entry.set_connection(task.connection);
    entry.set_path(task.path);
    entry.set_foreign(task.foreign);
    entry.set_name(task.name);
    if (task.until_name) put(*task.until_name, *entry.mutable_until_name());
  }
  for (const auto& question : assignment.questions) put_question(question, *message.add_questions());
  message.set_walk(static_cast<v1::WalkOrder>(assignment.walk));
}

Result<Assignment> take(const v1::Assign& message) {
  Assignment assignment;
  assignment.id = message.id();
  for (const auto& entry : message.places()) {
    auto place = take_place(entry);
    if (!place) return std::unexpected(place.error());
    assignment.places.push_back(std::move(*place));
  }
  for (const auto& entry : message.responders()) {
    auto spec = take_responder(entry);
    if (!spec) return std::unexpected(spec.error());
    assignment.responders.push_back(std::move(*spec));
  }
  assignment.drop_responders.assign(message.drop_responders().begin(), message.drop_responders().end());
  for (const auto& entry : message.tasks()) {
    auto task = take_task(entry);
    if (!task) return std::unexpected(task.error());
    assignment.tasks.push_back(std::move(*task));
  }
  for (const auto& entry : message.questions()) {
    auto question = take_question(entry);
    if (!question) return std::unexpected(question.error());
    assignment.questions.push_back(*question);
  }
  if (!v1::WalkOrder_IsValid(message.walk())) return fail(ErrorCode::kInvalidInput, "assignment: walk: unknown");
  assignment.walk = static_cast<WalkOrder>(message.walk());
  if (auto checked = check(assignment); !checked) return std::unexpected(checked.error());
  return assignment;
}

}  // namespace conntruth::codec
