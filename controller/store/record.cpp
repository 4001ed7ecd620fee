#include "controller/store/record.hpp"

#include "common/codec/session_codec.hpp"

namespace conntruth::store {

namespace {

constexpr std::size_t kFixedBytes = 7;

void put(std::string& out, std::uint32_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
}

std::uint32_t get(std::string_view bytes, std::size_t offset, unsigned count) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < count; ++i) value |= std::uint32_t{static_cast<std::uint8_t>(bytes[offset + i])} << (8 * i);
  return value;
}

}  // namespace

std::string encode_record(RecordKind kind, std::uint32_t stage, std::string_view name, std::string_view body) {
  name = name.substr(0, 0xFFFF);
  std::string out;
  out.reserve(kFixedBytes + name.size() + body.size());
  out.push_back(static_cast<char>(kind));
  put(out, stage, 4);
  put(out, static_cast<std::uint32_t>(name.size()), 2);
  out += name;
  out += body;
  return out;
}

Result<Record> decode_record(std::string_view bytes) {
  if (bytes.size() < kFixedBytes) return fail(ErrorCode::kInvalidInput, "a record is too short");
  const auto stage = get(bytes, 1, 4);
  const auto length = get(bytes, 5, 2);
  if (bytes.size() < kFixedBytes + length) return fail(ErrorCode::kInvalidInput, "a record's name is cut off");
  std::string name(bytes.substr(kFixedBytes, length));
  const auto body = bytes.substr(kFixedBytes + length);
  Record record;
  if (bytes[0] == static_cast<char>(RecordKind::kMarker)) {
    record.marker = MarkerRecord{std::move(name), stage, std::string(body)};
    return record;
  }
  if (bytes[0] != static_cast<char>(RecordKind::kBatch)) {
    return fail(ErrorCode::kInvalidInput, "a record of a kind that this version does not know");
  }
  auto message = codec::decode_agent_message(body);
  if (!message) return std::unexpected(message.error());
  auto* batch = std::get_if<ResultBatch>(&*message);
  if (batch == nullptr) return fail(ErrorCode::kInvalidInput, "a record of results holds another message");
  record.batch = BatchRecord{std::move(name), stage, std::move(*batch)};
  return record;
}

}  // namespace conntruth::store
