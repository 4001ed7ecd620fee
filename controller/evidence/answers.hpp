#pragma once
// Causes of cells that ask somebody else's server: health endpoints over HTTP, names at a DNS server. What the server
// said is known from the cell's own probes; that it was this server, and no other that packets were led to, from the
// walk of a witness. Pure.

#include <optional>

#include "controller/evidence/cause.hpp"
#include "controller/matrix/observation.hpp"

namespace conntruth::evidence {

// Whether packets of this cell are crafted ones to a server that does not answer them as it answers the cell's probes.
[[nodiscard]] bool asks_over_http(const plan::Cell& cell);
[[nodiscard]] bool asks_for_name(const plan::Cell& cell);

// Of a SYN to where the GETs of `cell` went.
[[nodiscard]] Cause find_health_cause(const plan::Cell& cell, const matrix::CellObservation& seen, const Walk& walk);
// Of what was said; nothing where the server said nothing wrong.
[[nodiscard]] std::optional<Cause> find_name_cause(const plan::Cell& cell, const matrix::CellObservation& seen);
// Of a datagram to the DNS server that it does not understand: only what a node did to it is a cause.
[[nodiscard]] Cause find_silent_server_cause(const plan::Cell& cell, const Walk& walk);

}  // namespace conntruth::evidence
