#pragma once
// Node objects that a World wants tainted for scale-down or being deleted, in an API that is a lab's own: nobody else
// looks at these Nodes, and no node is really taken away. A Node "being deleted" is held by a finalizer of ours; to
// stay after all it is let go and made again as it was, as the API knows no way back. Errors: those of Client.
// Threading: one thread.

#include <map>
#include <string>
#include <vector>

#include "common/world/world.hpp"
#include "kube/client.hpp"

namespace conntruth::kube {

class NodeStates {
 public:
  // The client must outlive the value.
  explicit NodeStates(Client& client) : client_(&client) {}

  // Changes Nodes that are not as `nodes` has them; those that are not named stay as they are. The first call reads
  // what there is, later ones trust that nobody else changes it.
  [[nodiscard]] Status publish(const std::vector<world::Node>& nodes, SteadyTime deadline);
  // All Nodes stay, untainted.
  [[nodiscard]] Status restore(SteadyTime deadline);

 private:
  struct State {
    bool tainted = false;
    bool deleting = false;
    bool operator==(const State&) const = default;
  };
  [[nodiscard]] Status learn(SteadyTime deadline);
  [[nodiscard]] Status change(const std::string& name, const State& wanted, SteadyTime deadline);

  Client* client_;
  bool known_ = false;
  std::map<std::string, State> states_;
};

}  // namespace conntruth::kube
