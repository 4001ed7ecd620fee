#include "common/codec/session_codec.hpp"

#include <google/protobuf/arena.h>

#include <algorithm>

#include "common/codec/columns.hpp"

namespace conntruth::codec {

namespace {

constexpr std::int64_t kLongestLeaseMs = 3'600'000;

bool is_printable(char c) { return c >= ' ' && c <= '~'; }

std::unexpected<Error> wrong(std::string_view what) { return fail(ErrorCode::kInvalidInput, std::string(what)); }

void put(const Hello& hello, v1::Hello& message) {
  message.set_node(hello.node);
  message.set_agent_version(hello.agent_version);
  message.set_kernel_release(hello.kernel_release);
  message.set_protocol_version(hello.protocol_version);
  for (const auto& capability : hello.capabilities) message.add_capabilities(capability);
  for (const auto& place : hello.places) message.add_places(place);
  message.set_session(hello.session);
  message.set_acknowledged(hello.acknowledged);
}

Result<Hello> take(const v1::Hello& message) {
  for (const auto* text : {&message.node(), &message.agent_version(), &message.kernel_release(), &message.session()}) {
    if (!is_clean_text(*text)) return wrong("hello: a name that is not printable or too long");
  }
  if (!std::ranges::all_of(message.capabilities(), is_clean_text)) return wrong("hello: capabilities: not printable");
  if (!std::ranges::all_of(message.places(), is_clean_text)) return wrong("hello: places: not printable");
  Hello hello;
  hello.node = message.node();
  hello.agent_version = message.agent_version();
  hello.kernel_release = message.kernel_release();
  hello.protocol_version = message.protocol_version();
  hello.capabilities.assign(message.capabilities().begin(), message.capabilities().end());
  hello.places.assign(message.places().begin(), message.places().end());
  hello.session = message.session();
  hello.acknowledged = message.acknowledged();
  return hello;
}

Result<Welcome> take(const v1::Welcome& message) {
  if (message.session().empty() || !is_clean_text(message.session()))
    return wrong("welcome: session: empty or not printable");
  if (message.lease_ms() == 0 || message.lease_ms() > kLongestLeaseMs) return wrong("welcome: lease_ms: out of range");
  return Welcome{message.session(), std::chrono::milliseconds(message.lease_ms()), message.acknowledged()};
}

// Parses into memory that is given back as one piece: a batch has thousands of elements.
template <typename Message>
Result<Message*> parse(std::string_view bytes, google::protobuf::Arena& arena) {
  if (bytes.size() > kMaxMessageBytes) return wrong("message: longer than 64 MiB");
  auto* message = google::protobuf::Arena::CreateMessage<Message>(&arena);
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return wrong("message: malformed");
  return message;
}

}  // namespace

std::string clean_text(const std::string& text) {
  auto cleaned = text.substr(0, kMaxTextBytes);
  std::ranges::replace_if(cleaned, [](char c) { return !is_printable(c); }, '?');
  return cleaned;
}

bool is_clean_text(const std::string& text) {
  return text.size() <= kMaxTextBytes && std::ranges::all_of(text, is_printable);
}

std::string address_bytes(const IpAddress& address) {
  const auto bytes = address.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<IpAddress> address_from(const std::string& bytes) {
  const auto copy = [&bytes](auto& target) {
    std::ranges::transform(bytes, target.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  };
  std::array<std::uint8_t, 4> four{};
  std::array<std::uint8_t, 16> sixteen{};
  if (bytes.size() == four.size()) {
    copy(four);
    return IpAddress::v4(four);
  }
  if (bytes.size() == sixteen.size()) {
    copy(sixteen);
    return IpAddress::v6(sixteen);
  }
  return wrong("address of neither 4 nor 16 bytes");
}

std::string encode_batch(const ResultBatch& batch) {
  google::protobuf::Arena arena;
  auto* message = google::protobuf::Arena::CreateMessage<v1::AgentMessage>(&arena);
  put(batch, *message->mutable_batch());
  return message->SerializeAsString();
}

std::string encode(const AgentMessage& message) {
  if (const auto* batch = std::get_if<ResultBatch>(&message)) return encode_batch(*batch);
  v1::AgentMessage encoded;
  if (const auto* hello = std::get_if<Hello>(&message)) {
    put(*hello, *encoded.mutable_hello());
  } else {
    encoded.mutable_heartbeat();
  }
  return encoded.SerializeAsString();
}

std::string encode(const ControllerMessage& message) {
  v1::ControllerMessage encoded;
  if (const auto* welcome = std::get_if<Welcome>(&message)) {
    encoded.mutable_welcome()->set_session(welcome->session);
    encoded.mutable_welcome()->set_lease_ms(static_cast<std::uint32_t>(welcome->lease.count()));
    encoded.mutable_welcome()->set_acknowledged(welcome->acknowledged);
  } else if (const auto* assignment = std::get_if<Assignment>(&message)) {
    put(*assignment, *encoded.mutable_assign());
  } else if (const auto* ack = std::get_if<Ack>(&message)) {
    encoded.mutable_ack()->set_sequence(ack->sequence);
  } else if (const auto* stop = std::get_if<Stop>(&message)) {
    encoded.mutable_stop()->set_reason(clean_text(stop->reason));
    encoded.mutable_stop()->set_refused(stop->refused);
  }
  return encoded.SerializeAsString();
}

Result<AgentMessage> decode_agent_message(std::string_view bytes) {
  google::protobuf::Arena arena;
  auto message = parse<v1::AgentMessage>(bytes, arena);
  if (!message) return std::unexpected(message.error());
  switch ((*message)->kind_case()) {
    case v1::AgentMessage::kHello: {
      auto hello = take((*message)->hello());
      if (!hello) return std::unexpected(hello.error());
      return std::move(*hello);
    }
    case v1::AgentMessage::kBatch: {
      auto batch = take((*message)->batch());
      if (!batch) return std::unexpected(batch.error());
      return std::move(*batch);
    }
    case v1::AgentMessage::kHeartbeat:
      return Heartbeat{};
    case v1::AgentMessage::KIND_NOT_SET:
      break;
  }
  return wrong("agent message: of no known kind");
}

Result<ControllerMessage> decode_controller_message(std::string_view bytes) {
  google::protobuf::Arena arena;
  auto message = parse<v1::ControllerMessage>(bytes, arena);
  if (!message) return std::unexpected(message.error());
  switch ((*message)->kind_case()) {
    case v1::ControllerMessage::kWelcome: {
      auto welcome = take((*message)->welcome());
      if (!welcome) return std::unexpected(welcome.error());
      return std::move(*welcome);
    }
    case v1::ControllerMessage::kAssign: {
      auto assignment = take((*message)->assign());
      if (!assignment) return std::unexpected(assignment.error());
      return std::move(*assignment);
    }
    case v1::ControllerMessage::kAck:
      return Ack{(*message)->ack().sequence()};
    case v1::ControllerMessage::kStop:
      if (!is_clean_text((*message)->stop().reason())) return wrong("stop: reason: not printable or too long");
      return Stop{(*message)->stop().reason(), (*message)->stop().refused()};
    case v1::ControllerMessage::KIND_NOT_SET:
      break;
  }
  return wrong("controller message: of no known kind");
}

}  // namespace conntruth::codec
