#pragma once
// Domain values to and from the generated messages. Only for this room.

#include "common/model/probe.hpp"
#include "common/result.hpp"
#include "conntruth/v1/session.pb.h"

namespace conntruth::codec {

void put(const ResultBatch& batch, v1::ResultBatch& message);
[[nodiscard]] Result<ResultBatch> take(const v1::ResultBatch& message);

void put(const Assignment& assignment, v1::Assign& message);
[[nodiscard]] Result<Assignment> take(const v1::Assign& message);

// Names and texts are printable ASCII of at most kMaxTextBytes: they end up in logs, terminals and JSON. What our own
// side wants to send is made so ('?' for the rest, cut), what comes is refused if it is not.
[[nodiscard]] std::string clean_text(const std::string& text);
[[nodiscard]] bool is_clean_text(const std::string& text);

void put(const NameAnswer& answer, v1::NameAnswer& message);
[[nodiscard]] Result<NameAnswer> take(const v1::NameAnswer& message);

[[nodiscard]] std::string address_bytes(const IpAddress& address);
[[nodiscard]] Result<IpAddress> address_from(const std::string& bytes);

}  // namespace conntruth::codec
