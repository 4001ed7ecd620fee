#pragma once
// Checksums of the wire: the Internet checksum (RFC 1071) with its pseudo headers (RFC 9293 §3.1, RFC 8200 §8.1) and
// SCTP's CRC32c (RFC 9260 appendix A). Pure.

#include <cstdint>

#include "common/wire/bytes.hpp"

namespace conntruth::wire {

// Value to store in a checksum field; over data whose checksum field is right it is 0.
[[nodiscard]] std::uint16_t internet_checksum(Bytes data);

// The same over the pseudo header of `source` and `destination` (one family) and the whole segment.
[[nodiscard]] std::uint16_t transport_checksum(const IpAddress& source, const IpAddress& destination,
                                               std::uint8_t protocol, Bytes segment);

// CRC32c as a number; on the wire SCTP carries it least significant byte first.
[[nodiscard]] std::uint32_t crc32c(Bytes data);

// Over an SCTP packet: what its checksum field (bytes 8..11) must hold, that field taken as zero. Packets shorter than
// a common header give 0.
[[nodiscard]] std::uint32_t sctp_checksum(Bytes packet);  // big-endian value of the four bytes
[[nodiscard]] bool sctp_checksum_is_right(Bytes packet);

}  // namespace conntruth::wire
