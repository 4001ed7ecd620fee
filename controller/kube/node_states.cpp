#include "controller/kube/node_states.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kube/request.hpp"

namespace conntruth::kube {
namespace {

using Json = nlohmann::json;

constexpr auto kFinalizer = "conntruth.io/held";

Result<Json> object_in(const Result<Response>& answer, const std::string& about) {
  if (!answer) return std::unexpected(answer.error());
  auto object = Json::parse(answer->body, nullptr, false);
  if (object.is_object() && object["metadata"].is_object()) return object;
  return fail(ErrorCode::kInternal, about + ": the answer is no object");
}

bool is_scale_down(const Json& taint) { return taint.value("key", "") == world::kScaleDownTaint; }

bool is_tainted(const Json& node) {
  const auto taints = node.value("/spec/taints"_json_pointer, Json::array());
  return std::ranges::any_of(taints, is_scale_down);
}

bool is_deleting(const Json& node) { return node["metadata"].contains("deletionTimestamp"); }

Json taints_of(const Json& node, bool tainted) {
  auto taints = Json::array();
  for (const auto& each : node.value("/spec/taints"_json_pointer, Json::array())) {
    if (!is_scale_down(each)) taints.push_back(each);
  }
  if (tainted) taints.push_back({{"key", world::kScaleDownTaint}, {"effect", "NoSchedule"}});
  return taints.empty() ? Json() : taints;  // null takes the field away
}

// What the server gives an object, and who held it.
void forget_life(Json& node) {
  for (const auto* key : {"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp",
                          "deletionGracePeriodSeconds", "managedFields", "finalizers"}) {
    node["metadata"].erase(key);
  }
}

// One Node on its way from what it is to what it has to be.
class NodeChange {
 public:
  NodeChange(Client& client, std::string name, SteadyTime deadline)
      : client_(client), name_(std::move(name)), deadline_(deadline) {}

  Status run(bool tainted, bool deleting) {
    auto node = object_in(client_.call(kube::get(kNodes, {}, name_), deadline_), "nodes " + name_);
    if (!node) return std::unexpected(node.error());
    if (is_deleting(*node) && !deleting) {
      if (auto done = make_again(*node); !done) return done;
    }
    if (is_tainted(*node) != tainted) {
      if (auto done = merge_in({{"spec", {{"taints", taints_of(*node, tainted)}}}}); !done) return done;
    }
    if (is_deleting(*node) || !deleting) return {};
    if (auto done = merge_in({{"metadata", {{"finalizers", {kFinalizer}}}}}); !done) return done;
    return status_of(client_.call(kube::remove(kNodes, {}, name_), deadline_));
  }

 private:
  static Status status_of(const Result<Response>& answer) {
    return answer ? Status() : std::unexpected(answer.error());
  }
  Status merge_in(const Json& patch) {
    return status_of(client_.call(kube::merge(kNodes, {}, name_, {}, patch.dump()), deadline_));
  }

  Status make_again(Json& node) {
    if (auto done = merge_in({{"metadata", {{"finalizers", Json()}}}}); !done) return done;
    forget_life(node);
    return status_of(client_.call(kube::create(kNodes, {}, name_, node.dump()), deadline_));
  }

  Client& client_;
  std::string name_;
  SteadyTime deadline_;
};

bool is_scale_down_taint(const world::Taint& taint) { return taint.key == world::kScaleDownTaint; }

}  // namespace

Status NodeStates::learn(SteadyTime deadline) {
  const auto list = client_->call(kube::list(kNodes, {}), deadline);
  if (!list) return std::unexpected(list.error());
  const auto json = Json::parse(list->body, nullptr, false);
  if (!json.is_object() || !json.contains("items")) return fail(ErrorCode::kInternal, "nodes: the answer is no list");
  for (const auto& node : json["items"]) {
    const auto name = node.value("/metadata/name"_json_pointer, "");
    if (!name.empty()) states_[name] = {is_tainted(node), is_deleting(node)};
  }
  known_ = true;
  return {};
}

Status NodeStates::change(const std::string& name, const State& wanted, SteadyTime deadline) {
  auto done = NodeChange(*client_, name, deadline).run(wanted.tainted, wanted.deleting);
  if (done) states_[name] = wanted;
  return done;
}

Status NodeStates::publish(const std::vector<world::Node>& nodes, SteadyTime deadline) {
  if (!known_) {
    if (auto learned = learn(deadline); !learned) return learned;
  }
  for (const auto& node : nodes) {
    const auto state = states_.find(node.name);
    if (state == states_.end()) continue;
    const State wanted{std::ranges::any_of(node.taints, is_scale_down_taint), node.deleting};
    if (state->second == wanted) continue;
    if (auto changed = change(node.name, wanted, deadline); !changed) return changed;
  }
  return {};
}

Status NodeStates::restore(SteadyTime deadline) {
  if (!known_) {
    if (auto learned = learn(deadline); !learned) return learned;
  }
  for (const auto& [name, state] : std::map(states_)) {
    if (state == State{}) continue;
    if (auto changed = change(name, {}, deadline); !changed) return changed;
  }
  return {};
}

}  // namespace conntruth::kube
