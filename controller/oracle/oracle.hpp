#pragma once
// The oracle: what a correct Service dataplane must do with the first packet of a new flow. It is the specification of
// this project; docs/semantics.md says the same in prose. Pure: no I/O, no clock, no global state; written without any
// knowledge of the lab's reference proxy, and it must stay so (one mistake must not hide in both).
//
// Sources: KEP-1669, KEP-2086, KEP-2433, KEP-4444, KEP-1860, KEP-1880, kube-proxy's documented behaviour. Every Rule of
// the answer names its own.
// The destination decides, not the flow's labels: where the target no longer belongs to the named Service port (a port
// removed, a type changed), the answer is what the world has at that address and port, mostly "never replied".
// Recorded only (`scored` false) always means that nothing is asserted: kFree, kAny, every outcome that is plausible.
// Errors: kInvalidInput where the flow names a node or Service that the world does not have (for a deleted Service
// leave `entry.service` empty), has no target, a source of another family, a node port or health endpoint on a foreign
// address, or asks a health endpoint by another protocol than TCP.
// Threading: pure functions.

#include "common/model/expectation.hpp"
#include "common/model/flow.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::oracle {

[[nodiscard]] Result<Expectation> expect(const world::World& world, const Flow& flow);

// What must come of further requests on a TCP connection that `flow` opened in the world `opened`, now that the world
// is `now`: an answer by the endpoint that it has, which is one of the expectation's. Recorded only where the
// connection did not have to come about, where its Service is not the same any more, or where one of the endpoints that
// it may have is in no slice any more. kInvalidInput also for other protocols. Source: gap.term.established.
[[nodiscard]] Result<Expectation> expect_established(const world::World& opened, const Flow& flow,
                                                     const world::World& now);

// What must come of a UDP flow that goes on with its addresses and ports, `before` being what was expected of it last:
// it stays with its endpoint while that serves, and is a new flow once it does not. Other protocols: always a new flow.
[[nodiscard]] Result<Expectation> expect_fixed_udp(const Expectation& before, const Flow& flow,
                                                   const world::World& now);

}  // namespace conntruth::oracle
