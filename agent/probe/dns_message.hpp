#pragma once
// The DNS of dns-lookup probes: questions, and what an answer says. The answer is bytes from anybody: names and records
// are walked by the C library's parser. Pure.
// Source: RFC 1035; RFC 6891 for the size that we take.

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/probe.hpp"
#include "common/result.hpp"
#include "common/wire/bytes.hpp"

namespace conntruth::probe {

inline constexpr std::size_t kMostDnsBytes = 4096;  // of an answer over UDP, as asked for

// Asks for the addresses of `name` in `family`, recursively. kInvalidInput where that is no DNS name.
[[nodiscard]] Result<std::string> dns_question(std::uint16_t id, const std::string& name, Family family);

// Whether `bytes` answer the question with that id for `name` in `family`. kInvalidInput says what is wrong; a packet
// that is no answer to this very question is nullopt. kResource: it was cut off.
[[nodiscard]] Result<std::optional<NameAnswer>> read_dns_answer(wire::Bytes bytes, std::uint16_t id,
                                                                const std::string& name, Family family);

// The two answers of one lookup. What went wrong in either is what went wrong.
[[nodiscard]] NameAnswer merged(NameAnswer first, const NameAnswer& second);

}  // namespace conntruth::probe
