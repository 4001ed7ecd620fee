#pragma once
// The words of a session between agent and controller, and their bytes (proto/conntruth/v1/session.proto).
//
// Encoding cannot fail. Decoding accepts any bytes from anybody and either gives a value whose every field is in its
// documented range or kInvalidInput naming the field; it never crashes and its memory is bounded by a small multiple of
// the input. Of a Sample the fields that its outcome gives a meaning are carried, the others come back as defaults.
// Threading: pure functions.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::codec {

inline constexpr std::uint32_t kProtocolVersion = 5;
inline constexpr std::size_t kMaxMessageBytes = std::size_t{64} << 20U;
inline constexpr std::size_t kMaxTextBytes = 1024;  // longer texts are cut, unprintable bytes become '?' when encoded

struct Heartbeat {
  bool operator==(const Heartbeat&) const = default;
};

struct Welcome {
  std::string session;                 // never empty
  std::chrono::milliseconds lease{0};  // 1 ms .. 1 h
  std::uint64_t acknowledged = 0;      // highest batch of that session in the store
  bool operator==(const Welcome&) const = default;
};

struct Ack {
  std::uint64_t sequence = 0;  // every batch up to this one is stored
  bool operator==(const Ack&) const = default;
};

struct Stop {
  std::string reason;
  bool refused = false;  // the agent was not let in
  bool operator==(const Stop&) const = default;
};

using AgentMessage = std::variant<Hello, ResultBatch, Heartbeat>;
using ControllerMessage = std::variant<Welcome, Assignment, Ack, Stop>;

[[nodiscard]] std::string encode(const AgentMessage& message);
[[nodiscard]] std::string encode(const ControllerMessage& message);
// The same as encode(AgentMessage(batch)) without the copy.
[[nodiscard]] std::string encode_batch(const ResultBatch& batch);

[[nodiscard]] Result<AgentMessage> decode_agent_message(std::string_view bytes);
[[nodiscard]] Result<ControllerMessage> decode_controller_message(std::string_view bytes);

// What decoding checks of an assignment, for the side that makes one: ids from 1, ports, counts from 1, times up to 1
// h.
[[nodiscard]] Status check(const Assignment& assignment);

}  // namespace conntruth::codec
