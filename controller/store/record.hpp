#pragma once
// A record as bytes: what one frame of samples.seg holds. Inside this room only.
//
//   u8 kind ('B' batch, 'M' marker), u32 stage, u16 length of the name, name (agent or marker), body to the end:
//   an encoded AgentMessage (proto/conntruth/v1/session.proto), or JSON text. Numbers are little-endian.

#include <string>
#include <string_view>

#include "controller/store/run_store.hpp"

namespace conntruth::store {

enum class RecordKind : char { kBatch = 'B', kMarker = 'M' };

[[nodiscard]] std::string encode_record(RecordKind kind, std::uint32_t stage, std::string_view name,
                                        std::string_view body);
[[nodiscard]] Result<Record> decode_record(std::string_view bytes);

}  // namespace conntruth::store
