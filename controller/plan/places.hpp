#pragma once
// Where endpoints answer and clients start: pods, nodes, external clients. Internal to the room.
// Threading: values; pointers point into Places, which must outlive them.

#include <map>
#include <string>
#include <vector>

#include "common/model/flow.hpp"
#include "common/model/probe.hpp"
#include "common/model/topology.hpp"

namespace conntruth::plan {

// A network namespace in which an agent can answer.
struct Place {
  std::string agent;
  NamespaceName name;    // "" is the agent's own
  std::string label;     // for people and ids: "node-1", "node-1-pod-0"
  std::size_t node = 0;  // index into the topology's nodes
  std::vector<IpAddress> addresses;
};

// Where flows start.
struct Origin {
  VantageKind kind = VantageKind::kPod;
  std::string agent;
  NamespaceName name;
  std::string node;  // of the vantage
  std::size_t node_index = 0;
  std::string pod;
  std::vector<IpAddress> sources;
  const Place* place = nullptr;  // null for external clients

  [[nodiscard]] std::string label() const;
  [[nodiscard]] Vantage vantage(Family family) const;
};

class Places {
 public:
  explicit Places(const Topology& topology);
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }
  [[nodiscard]] const Place& node(std::size_t index) const { return nodes_[index].node; }
  [[nodiscard]] const std::vector<Place>& pods(std::size_t node) const { return nodes_[node].pods; }
  [[nodiscard]] const Place* find(const IpAddress& address) const;
  [[nodiscard]] Origin origin(const Place& place) const;
  [[nodiscard]] const std::vector<Origin>& external() const { return external_; }  // in the nodes' order

 private:
  struct NodePlaces {
    Place node;
    std::vector<Place> pods;
  };
  std::vector<NodePlaces> nodes_;
  std::vector<Origin> external_;
  std::map<IpAddress, const Place*> by_address_;
};

}  // namespace conntruth::plan
