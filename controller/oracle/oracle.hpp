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
// leave `entry.service` empty), has no target, a source of another family, or a node port on a foreign address.
// Threading: pure functions.

#include "common/model/expectation.hpp"
#include "common/model/flow.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::oracle {

[[nodiscard]] Result<Expectation> expect(const world::World& world, const Flow& flow);

}  // namespace conntruth::oracle
