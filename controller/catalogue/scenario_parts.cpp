#include "controller/catalogue/scenario_parts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "common/world/objects.hpp"
#include "controller/catalogue/read_words.hpp"

namespace conntruth::catalogue {
namespace {

using world::Field;
using Keys = std::initializer_list<std::string_view>;

void only(const Field& field, Keys keys) { field.only(std::span(keys.begin(), keys.size())); }

unsigned read_unsigned(const Field& field, unsigned least, unsigned most, unsigned otherwise) {
  return static_cast<unsigned>(field.number(least, most).value_or(otherwise));
}

std::optional<std::vector<NodeWord>> read_hints(const Field& list) {
  if (!list.present()) return std::nullopt;
  return read_words(list, kNodeWords);
}

// `spec` is Kubernetes' own, but a scenario that misspells a field must not run as if it had not written it, and which
// addresses and node ports there are only the planner knows.
void check_spec(const Field& spec) {
  only(spec, {"type", "ports", "clusterIP", "ipFamilies", "internalTrafficPolicy", "externalTrafficPolicy",
              "sessionAffinity", "sessionAffinityConfig", "publishNotReadyAddresses", "allocateLoadBalancerNodePorts",
              "trafficDistribution", "externalName", "loadBalancerClass"});
  const auto address = spec["clusterIP"];
  if (address.present() && address.text() != "None") address.wrong("addresses are given by the planner: leave it out");
  for (const auto& port : spec["ports"].items()) {
    only(port, {"name", "protocol", "port", "targetPort"});
    if (port["name"].text().empty()) port["name"].wrong("is required: probes and endpoints name ports");
  }
}

void check_endpoint_ports(const Field& list, const ServiceSpec& service) {
  for (const auto& item : list.items()) {
    for (const auto& name : item["ports"].items()) {
      if (service.service.port_named(name.text()) != nullptr) continue;
      name.wrong(fmt::format("service \"{}\" has no port \"{}\"", service.name, name.text()));
    }
  }
}

}  // namespace

EndpointSpec read_endpoint(const Field& field) {
  only(field, {"on", "pod", "hostNetwork", "ready", "serving", "terminating", "families", "ports", "variant", "copies",
               "slice", "hints"});
  EndpointSpec result;
  result.on = read_word(field["on"], kNodeWords, NodeWord::kEach);
  if (field["pod"].present()) {
    result.pod = field["pod"].word() == "each" ? std::nullopt : std::optional(read_unsigned(field["pod"], 0, 19, 0));
  }
  result.host_network = field["hostNetwork"].boolean().value_or(false);
  result.terminating = field["terminating"].boolean().value_or(false);
  result.ready = field["ready"].boolean().value_or(!result.terminating);
  result.serving = field["serving"].boolean().value_or(result.terminating || result.ready);
  result.families = read_words(field["families"], kFamilyWords);
  result.ports = field["ports"].texts();
  result.variant = read_unsigned(field["variant"], 0, 99, 0);
  result.copies = read_unsigned(field["copies"], 1, 50, 1);
  result.slice = field["slice"].text();
  only(field["hints"], {"zones", "nodes"});
  result.zone_hints = read_hints(field["hints"]["zones"]);
  result.node_hints = read_hints(field["hints"]["nodes"]);
  return result;
}

void merge_service(const Field& field, ServiceSpec& service) {
  only(field,
       {"each", "absent", "externalIPs", "ipMode", "sourceRanges", "labels", "annotations", "spec", "endpoints"});
  service.each = read_word(field["each"], kEachWords, service.each);
  service.absent = field["absent"].boolean().value_or(service.absent);
  service.external_ip = read_word(field["externalIPs"], kAutoWords, service.external_ip);
  service.ip_mode = read_word(field["ipMode"], kIpModeWords, service.ip_mode);
  if (field["sourceRanges"].present()) service.source_ranges = read_words(field["sourceRanges"], kRangeWords);
  if (field["labels"].present()) service.service.labels = world::read_labels(field["labels"]);
  if (field["annotations"].present()) service.service.annotations = world::read_labels(field["annotations"]);
  check_spec(field["spec"]);
  world::read_service_spec(field["spec"], service.service);
  if (!field["endpoints"].present()) return;
  service.endpoints.clear();
  for (const auto& item : field["endpoints"].items()) service.endpoints.push_back(read_endpoint(item));
  check_endpoint_ports(field["endpoints"], service);
}

ProbeSpec read_probe(const Field& field) {
  only(field, {"from", "clients", "pods", "to", "entries", "services", "ports", "protocols", "rule", "covers"});
  ProbeSpec result;
  result.from = read_words(field["from"], kClientWords);
  if (result.from.empty()) field["from"].wrong("is required: a list of pod, node, external, endpoint");
  result.clients = read_word(field["clients"], kNodeWords, NodeWord::kEach);
  if (field["pods"].present()) {
    result.pods.reset();
    if (field["pods"].value()->kind != world::Value::Kind::kPlain || field["pods"].word() != "each") {
      result.pods.emplace();
      for (const auto& item : field["pods"].items()) result.pods->push_back(read_unsigned(item, 0, 19, 0));
    }
  }
  result.to = read_words(field["to"], kEntryWords);
  if (result.to.empty()) field["to"].wrong("is required: a list of clusterIP, nodePort, externalIP, loadBalancer, ...");
  result.entries = read_word(field["entries"], kNodeWords, NodeWord::kEach);
  result.services = field["services"].texts();
  result.ports = field["ports"].texts();
  result.protocols = read_words(field["protocols"], kProtocolWords);
  result.rule = read_word(field["rule"], kRuleWords, ProbeRule::kNewFlows);
  result.covers = field["covers"].texts();
  return result;
}

NodeSpec read_node(const Field& field) {
  only(field, {"on", "deleting", "scaleDownTaint"});
  NodeSpec result;
  result.on = read_word(field["on"], kNodeWords, NodeWord::kEach);
  if (result.on == NodeWord::kOwn) field["on"].wrong("a node is nobody's own here: use each, first, ... or others");
  result.deleting = field["deleting"].boolean().value_or(false);
  result.scale_down = field["scaleDownTaint"].boolean().value_or(false);
  return result;
}

namespace {

// True where any step's Service with that name (any Service where it is empty) satisfies the condition.
template <typename Condition>
bool ever(const Scenario& scenario, const std::vector<std::string>& names, Condition condition) {
  for (const auto& step : scenario.steps) {
    for (const auto& service : step.services) {
      const bool named = names.empty() || std::ranges::find(names, service.name) != names.end();
      if (named && condition(service)) return true;
    }
  }
  return false;
}

std::string_view what_lacks(EntryKind kind, const Scenario& scenario, const ProbeSpec& probe) {
  const auto any = [&](auto condition) { return ever(scenario, probe.services, condition); };
  const auto of_type = [&](auto... types) {
    return any([&](const ServiceSpec& each) { return ((each.service.type == types) || ...); });
  };
  switch (kind) {
    case EntryKind::kNodePort:
      return of_type(world::ServiceType::kNodePort, world::ServiceType::kLoadBalancer) ? "" : "`type: NodePort`";
    case EntryKind::kLoadBalancer:
      return of_type(world::ServiceType::kLoadBalancer) ? "" : "`type: LoadBalancer`";
    case EntryKind::kExternalIp:
      return any([](const ServiceSpec& each) { return each.external_ip; }) ? "" : "`externalIPs: auto`";
    case EntryKind::kClusterIp:
    case EntryKind::kUnusedPort:
      return any([](const ServiceSpec& each) { return !each.service.headless; }) ? "" : "a cluster IP";
    case EntryKind::kHealthCheckNodePort:
      return any([](const ServiceSpec& each) {
        return each.service.type == world::ServiceType::kLoadBalancer &&
               each.service.external_policy == world::TrafficPolicy::kLocal;
      })
                 ? ""
                 : "`type: LoadBalancer` with `externalTrafficPolicy: Local`";
    case EntryKind::kPodIp:
    case EntryKind::kUnallocated:
    case EntryKind::kProxyHealthz:
    case EntryKind::kProxyLivez:
    case EntryKind::kName:
      return "";
  }
  return "";
}

// Servers that tell of Services are asked anew each time, over a protocol of their own, of no Service port.
void check_asked(const Field& field, const ProbeSpec& probe) {
  const auto asked = [](EntryKind kind) { return !http_path(kind).empty() || kind == EntryKind::kName; };
  if (std::ranges::none_of(probe.to, asked)) return;
  const auto* who = "health endpoints and DNS servers";
  if (probe.rule != ProbeRule::kNewFlows)
    field["rule"].wrong(fmt::format("{} are asked by new flows: leave it out", who));
  if (!probe.protocols.empty()) field["protocols"].wrong(fmt::format("{} have their own: leave it out", who));
  if (!probe.ports.empty()) field["ports"].wrong(fmt::format("{} are asked for no Service port: leave it out", who));
}

}  // namespace

void check_probe(const Field& field, const ProbeSpec& probe, const Scenario& scenario) {
  check_asked(field, probe);
  if (probe.rule == ProbeRule::kKeptConnection) {
    if (!probe.protocols.empty() && probe.protocols != std::vector{Protocol::kTcp})
      field["protocols"].wrong("a kept connection is a TCP one: leave it out");
    const auto has_tcp = [](const ServiceSpec& each) {
      return std::ranges::any_of(each.service.ports, [](const auto& port) { return port.protocol == Protocol::kTcp; });
    };
    if (!ever(scenario, probe.services, has_tcp)) field["rule"].wrong("no probed service has a TCP port");
  }
  for (const auto& item : field["services"].items()) {
    const auto name = item.text();
    if (!ever(scenario, {name}, [](const ServiceSpec&) { return true; })) {
      item.wrong(fmt::format("there is no service \"{}\" in this scenario", name));
    }
  }
  for (const auto& item : field["ports"].items()) {
    const auto name = item.text();
    const auto has = [&](const ServiceSpec& each) { return each.service.port_named(name) != nullptr; };
    if (!ever(scenario, probe.services, has)) item.wrong(fmt::format("no probed service has a port \"{}\"", name));
  }
  for (const auto& item : field["to"].items()) {
    const auto index = item.one_of(kEntryWords.words);
    if (!index) continue;
    const auto lacking = what_lacks(kEntryWords.values.at(*index), scenario, probe);
    if (!lacking.empty()) item.wrong(fmt::format("no probed service has {} at any step", lacking));
  }
}

}  // namespace conntruth::catalogue
