#pragma once
// A flow checked against its world: the names resolved once, so that the rules need not ask again.
// Threading: views into a World and a Flow that must outlive it.

#include <vector>

#include "common/model/flow.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::oracle {

struct Question {
  const world::World* world = nullptr;
  const Flow* flow = nullptr;
  const world::Node* client_node = nullptr;  // vantage.node; for an external client where it enters
  IpAddress client;                          // the address the flow starts with

  [[nodiscard]] Family family() const { return flow->family(); }
  [[nodiscard]] bool from_pod() const { return flow->vantage.kind == VantageKind::kPod; }
  [[nodiscard]] bool from_outside() const { return flow->vantage.kind == VantageKind::kExternal; }
};

// kInvalidInput: unknown node or Service, no target, a source of another family, a node port or health endpoint on a
// foreign address, a health endpoint by another protocol than TCP. A
// Service that was deleted is asked for with an empty `entry.service`.
[[nodiscard]] Result<Question> ask(const world::World& world, const Flow& flow);

// The Node that owns the address, or nullptr.
[[nodiscard]] const world::Node* owner_of(const world::World& world, const IpAddress& address);

// The Node's addresses of one family, in the API's order.
[[nodiscard]] std::vector<IpAddress> addresses_of(const world::Node& node, Family family);

}  // namespace conntruth::oracle
