#include "controller/cluster/cluster_facts.hpp"

#include <fmt/core.h>

#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/world/world_reader.hpp"
#include "controller/kube/world_writer.hpp"
#include "kube/listing.hpp"

namespace conntruth::cluster {
namespace {

using Json = nlohmann::json;
using Visit = std::function<void(const Json&)>;  // may throw what the library throws

constexpr std::uint32_t kPage = 500;
constexpr auto kInstallSelector = "app.kubernetes.io/name=conntruth";
constexpr auto kVersionLabel = "app.kubernetes.io/version";
constexpr auto kComponentLabel = "app.kubernetes.io/component";

Status read_all(kube::Client& client, const kube::Request& request, kube::SteadyTime deadline,
                const std::function<void()>& begin, const Visit& visit) {
  Status problem;
  const kube::ListVisitor visitor{
      [&] {
        problem = {};
        begin();
      },
      [&](const kube::ObjectMeta& meta, std::string_view object) {
        try {
          visit(Json::parse(object));
        } catch (const std::exception& error) {
          problem = fail(ErrorCode::kInvalidInput, fmt::format("{} {}: {}", request.resource, meta.key, error.what()));
        }
      }};
  const auto version = kube::list_pages(client, request, kPage, deadline, visitor);
  if (!version) return std::unexpected(version.error());
  return problem;
}

Json at(const Json& object, std::initializer_list<const char*> path) {
  const auto* here = &object;
  for (const auto* key : path) {
    const auto found = here->find(key);
    if (found == here->end()) return {};
    here = &*found;
  }
  return *here;
}

std::string text_at(const Json& object, std::initializer_list<const char*> path) {
  const auto found = at(object, path);
  return found.is_string() ? found.get<std::string>() : std::string();
}

void add_address(const Json& text, std::vector<IpAddress>& into) {
  if (!text.is_string()) return;
  if (const auto address = IpAddress::parse(text.get<std::string>())) into.push_back(*address);
}

// "Reason: message" of what is there.
std::string reason_of(const Json& object) {
  const auto reason = text_at(object, {"reason"});
  const auto message = text_at(object, {"message"});
  return reason + (reason.empty() || message.empty() ? "" : ": ") + message;
}

NodeFacts read_node(const Json& object) {
  NodeFacts facts;
  const Json list = {{"apiVersion", "v1"}, {"kind", "NodeList"}, {"items", {object}}};
  auto world = world::read_world(list.dump(), "nodes of the cluster");
  if (!world) throw std::invalid_argument(world.error().message);
  facts.node = std::move(world->nodes.at(0));
  facts.kernel = text_at(object, {"status", "nodeInfo", "kernelVersion"});
  facts.ready = false;
  facts.why = "its kubelet has said nothing";
  for (const auto& condition : at(object, {"status", "conditions"})) {
    if (condition.value("type", "") != "Ready") continue;
    facts.ready = condition.value("status", "") == "True";
    facts.why = facts.ready ? "" : reason_of(condition);
  }
  return facts;
}

bool has_condition(const Json& pod, const char* type) {
  for (const auto& condition : at(pod, {"status", "conditions"})) {
    if (condition.value("type", "") == type) return condition.value("status", "") == "True";
  }
  return false;
}

std::string state_of(const Json& pod) {
  if (!at(pod, {"metadata", "deletionTimestamp"}).is_null()) return "is being deleted";
  for (const auto& container : at(pod, {"status", "containerStatuses"})) {
    if (const auto waiting = at(container, {"state", "waiting"}); waiting.is_object()) return reason_of(waiting);
  }
  auto state = text_at(pod, {"status", "phase"});
  for (const auto& condition : at(pod, {"status", "conditions"})) {
    if (condition.value("type", "") == "PodScheduled" && condition.value("status", "") == "False")
      state += ": " + reason_of(condition);
  }
  return state;
}

// A DaemonSet's pod that waits for its node to let it in has no nodeName yet: the node stands in its affinity.
std::string node_of(const Json& pod) {
  if (auto name = text_at(pod, {"spec", "nodeName"}); !name.empty()) return name;
  for (const auto& term : at(pod, {"spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution",
                                   "nodeSelectorTerms"})) {
    for (const auto& field : term.value("matchFields", Json::array())) {
      if (field.value("key", "") == "metadata.name") return field.at("values").at(0);
    }
  }
  return {};
}

int ordinal_of(const Json& pod) {
  for (const auto& owner : at(pod, {"metadata", "ownerReferences"})) {
    const auto name = owner.value("name", "");
    const auto digits = name.substr(name.rfind('-') + 1);
    int number = -1;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size()) return number;
  }
  return -1;
}

PodFacts read_pod(const Json& pod) {
  PodFacts facts;
  facts.name = text_at(pod, {"metadata", "name"});
  facts.node = node_of(pod);
  facts.component = text_at(pod, {"metadata", "labels", kComponentLabel});
  facts.ordinal = facts.component == "anchor" ? ordinal_of(pod) : -1;
  for (const auto& each : at(pod, {"status", "podIPs"})) add_address(each.value("ip", Json()), facts.addresses);
  facts.state = state_of(pod);
  facts.ready = facts.state == "Running" && has_condition(pod, "Ready");
  if (facts.state == "Running" && !facts.ready) facts.state = "Running and not ready";
  facts.version = text_at(pod, {"metadata", "labels", kVersionLabel});
  if (const auto containers = at(pod, {"spec", "containers"}); containers.is_array() && !containers.empty())
    facts.image = containers.at(0).value("image", "");
  return facts;
}

void read_service(const Json& service, const ReadOptions& options, ClusterFacts& facts) {
  if (text_at(service, {"metadata", "labels", kube::kManagedByLabel.data()}) == kube::kManagedBy) return;
  const auto spec = at(service, {"spec"});
  for (const auto& each : at(spec, {"clusterIPs"})) add_address(each, facts.taken_addresses);
  for (const auto& each : at(spec, {"externalIPs"})) add_address(each, facts.taken_addresses);
  for (const auto& each : at(service, {"status", "loadBalancer", "ingress"}))
    add_address(each.value("ip", Json()), facts.taken_addresses);
  for (const auto& port : at(spec, {"ports"})) {
    if (const auto number = port.value("nodePort", 0); number != 0)
      facts.taken_node_ports.push_back(static_cast<std::uint16_t>(number));
  }
  if (const auto number = at(spec, {"healthCheckNodePort"}); number.is_number_integer() && number != 0)
    facts.taken_node_ports.push_back(number.get<std::uint16_t>());
  if (text_at(service, {"metadata", "namespace"}) == options.world_namespace)
    facts.services_in_our_way.push_back(text_at(service, {"metadata", "name"}));
}

void read_range(const Json& object, std::vector<Prefix>& into) {
  if (!at(object, {"metadata", "deletionTimestamp"}).is_null()) return;
  for (const auto& each : at(object, {"spec", "cidrs"})) {
    const auto prefix = Prefix::parse(each.get<std::string>());
    if (!prefix) throw std::invalid_argument(prefix.error().message);
    into.push_back(*prefix);
  }
}

Result<std::string> read_version(kube::Client& client, kube::SteadyTime deadline) {
  kube::Request request;
  request.path = "/version";
  request.verb = "get";
  request.resource = "version";
  const auto answer = client.call(request, deadline);
  if (!answer) return std::unexpected(answer.error());
  return text_at(Json::parse(answer->body, nullptr, false), {"gitVersion"});
}

// Servers before 1.33 keep their ranges to themselves.
Status read_ranges(kube::Client& client, kube::SteadyTime deadline, ClusterFacts& facts) {
  auto done = read_all(
      client, kube::list(kube::kServiceCidrs, {}), deadline, [&] { facts.service_ranges.clear(); },
      [&](const Json& object) { read_range(object, facts.service_ranges); });
  if (done || done.error().code != ErrorCode::kNotFound) return done;
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("the API server ({}) has no ServiceCIDR objects, as those before 1.33; name the ranges of its "
                  "--service-cluster-ip-range with --service-range",
                  facts.version));
}

}  // namespace

Result<std::vector<NodeFacts>> read_nodes(kube::Client& client, kube::SteadyTime deadline) {
  std::vector<NodeFacts> nodes;
  const auto done = read_all(
      client, kube::list(kube::kNodes, {}), deadline, [&] { nodes.clear(); },
      [&](const Json& object) { nodes.push_back(read_node(object)); });
  if (!done) return std::unexpected(done.error());
  return nodes;
}

Result<std::vector<PodFacts>> read_pods(kube::Client& client, const std::string& system_namespace,
                                        kube::SteadyTime deadline) {
  std::vector<PodFacts> pods;
  const auto done = read_all(
      client, kube::list(kube::kPods, system_namespace, kInstallSelector), deadline, [&] { pods.clear(); },
      [&](const Json& object) { pods.push_back(read_pod(object)); });
  if (!done) return std::unexpected(done.error());
  return pods;
}

Result<ClusterFacts> read_cluster(kube::Client& client, const ReadOptions& options, kube::SteadyTime deadline) {
  ClusterFacts facts;
  auto version = read_version(client, deadline);
  if (!version) return std::unexpected(version.error());
  facts.version = std::move(*version);
  auto nodes = read_nodes(client, deadline);
  if (!nodes) return std::unexpected(nodes.error());
  facts.nodes = std::move(*nodes);
  auto pods = read_pods(client, options.system_namespace, deadline);
  if (!pods) return std::unexpected(pods.error());
  facts.pods = std::move(*pods);
  const auto begin = [&] {
    facts.taken_addresses.clear();
    facts.taken_node_ports.clear();
    facts.services_in_our_way.clear();
  };
  auto done = read_all(client, kube::list(kube::kServices, {}), deadline, begin,
                       [&](const Json& object) { read_service(object, options, facts); });
  if (done && options.read_ranges) done = read_ranges(client, deadline, facts);
  if (!done) return std::unexpected(done.error());
  return facts;
}

}  // namespace conntruth::cluster
