#pragma once
// Whom to ask where the flows of a run that reads went. A probe's own node tells without being asked; where another
// node decides (a node port there, a client from outside), that one's connection tracking has to be asked while it
// remembers the flow, for ten seconds after a TCP flow was reset. Pure. Threading: the run's thread.

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/model/probe.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::app {

class Trail {
 public:
  explicit Trail(const plan::Plan& plan);

  // Questions that follow from what an agent reported, by the agent to ask.
  [[nodiscard]] std::map<std::string, std::vector<FlowQuestion>> follow(const ResultBatch& batch);

 private:
  struct Elsewhere {
    std::string decider;
    Protocol protocol;
    IpAddress source;  // where nothing better is known
    SocketAddress target;
  };
  std::unordered_map<std::uint32_t, Elsewhere> tasks_;  // those that another node decides about
  std::unordered_map<ProbeId, SocketAddress> sources_;  // as flows left their own node
};

}  // namespace conntruth::app
