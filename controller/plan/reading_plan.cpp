// A plan for Services that exist: nothing is published, nobody of ours answers, few probes, each half-open.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "controller/oracle/oracle.hpp"
#include "controller/plan/planner.hpp"
#include "controller/plan/reading_entries.hpp"
#include "controller/plan/reading_probes.hpp"
#include "controller/plan/selection.hpp"

namespace conntruth::plan {
namespace {

constexpr std::uint32_t kControlProbes = 3;
constexpr std::uint32_t kStraightProbes = 4;    // to a headless endpoint: no dataplane chooses anything
constexpr std::uint32_t kUnansweredProbes = 4;  // within the ICMP errors that a kernel sends to one peer at once
// Only a refusal is awaited, and connection tracking asked before it forgets what was not answered (a lab: 4 s).
constexpr std::chrono::milliseconds kUdpPatience{500};
// With more nodes a client tries node ports of its own node and of the three after it.
constexpr std::size_t kEveryNode = 4;

Method method_for(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return Method::kTcpSyn;
    case Protocol::kUdp:
      return Method::kUdpCrafted;
    case Protocol::kSctp:
      return Method::kSctpInit;
  }
  return Method::kTcpSyn;
}

bool matches_any(const std::vector<std::string>& globs, const std::string& text) {
  return std::ranges::any_of(globs, [&](const auto& glob) { return glob_matches(glob, text); });
}

class ReadingPlanner {
 public:
  ReadingPlanner(const Topology& topology, const world::World& world, const PlanOptions& options)
      : topology_(topology), world_(world), options_(options), places_(topology) {}

  [[nodiscard]] Result<Plan> run() {
    auto chosen = choose();
    if (!chosen) return std::unexpected(chosen.error());
    plan_.topology = topology_;
    stage_ = &plan_.stages.emplace_back();
    stage_->publishes = false;
    stage_->world = world_;
    name_endpoints();
    collect_pods();
    for (const auto* service : *chosen) {
      if (auto status = add_service(*service); !status) return std::unexpected(status.error());
    }
    if (auto status = check_selection(); !status) return std::unexpected(status.error());
    pace();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool wants(const world::Service& service) const {
    const auto& reading = options_.reading;
    if (reading.services.empty() && reading.namespaces.empty()) return true;
    return matches_any(reading.services, service.key()) || matches_any(reading.namespaces, service.namespace_name);
  }

  [[nodiscard]] Result<std::vector<const world::Service*>> choose() const {
    std::vector<const world::Service*> chosen;
    std::vector<std::string> keys;
    std::vector<std::string> namespaces;
    for (const auto& service : world_.services) {
      keys.push_back(service.key());
      namespaces.push_back(service.namespace_name);
      if (wants(service)) chosen.push_back(&service);
    }
    const auto known = [](const auto& globs, const auto& names, const char* what) -> Status {
      for (const auto& glob : globs) {
        if (std::ranges::any_of(names, [&](const auto& name) { return glob_matches(glob, name); })) continue;
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("{} \"{}\" matches nothing in the cluster; the closest are {}", what, glob,
                                closest(glob, names)));
      }
      return {};
    };
    if (auto status = known(options_.reading.services, keys, "--service"); !status)
      return std::unexpected(status.error());
    if (auto status = known(options_.reading.namespaces, namespaces, "--service-namespace"); !status)
      return std::unexpected(status.error());
    std::ranges::sort(chosen, {}, [](const auto* service) { return service->key(); });
    return chosen;
  }

  // Endpoints of all Services, not of the chosen ones alone: a wrong endpoint is then called by its name.
  void name_endpoints() {
    for (const auto& slice : world_.slices) {
      for (const auto& port : slice.ports) {
        if (port.port == 0) continue;
        for (const auto& endpoint : slice.endpoints) name_endpoint(endpoint, port);
      }
    }
  }

  void name_endpoint(const world::Endpoint& endpoint, const world::EndpointPort& port) {
    const auto& address = endpoint.addresses.front();
    const auto id = static_cast<std::uint32_t>(plan_.responders.size() + 1);
    if (!endpoints_.try_emplace({port.protocol, SocketAddress{address, port.port}}, id).second) return;
    PlannedResponder responder;
    responder.agent = topology_.node(endpoint.node_name) == nullptr ? "" : endpoint.node_name;
    responder.spec = {id, name_of(endpoint, places_), port.protocol, port.port};
    responder.addresses = {address};
    responder.foreign = true;
    plan_.responders.push_back(std::move(responder));
  }

  // An endpoint of a node, and not at the node's own address.
  void collect_pods() {
    std::set<IpAddress> nodes;
    for (const auto& node : world_.nodes) nodes.insert(node.addresses.begin(), node.addresses.end());
    for (const auto& slice : world_.slices) {
      for (const auto& endpoint : slice.endpoints) {
        const auto& address = endpoint.addresses.front();
        if (!endpoint.node_name.empty() && !nodes.contains(address)) pods_.insert(address);
      }
    }
  }

  [[nodiscard]] bool takes(const std::string& cell) const {
    return (options_.select.empty() || matches_any(options_.select, cell)) && !matches_any(options_.skip, cell);
  }

  // The message names cells that there are.
  [[nodiscard]] Status check_selection() const {
    for (const auto& pattern : options_.select) {
      if (std::ranges::any_of(ids_, [&](const auto& id) { return glob_matches(pattern, id); })) continue;
      return fail(ErrorCode::kInvalidInput, fmt::format("--select: no cell is called \"{}\"; the closest are {}",
                                                        pattern, closest(pattern, ids_)));
    }
    return {};
  }

  void not_run(std::string id, std::string reason) {
    ids_.push_back(id);
    if (takes(id)) plan_.not_run.push_back({std::move(id), "existing", std::move(reason)});
  }

  [[nodiscard]] Status add_service(const world::Service& service) {
    const auto id = fmt::format("existing/{}/*>{}", service.namespace_name, service.name);
    if (auto reason = why_not_at_all(service); !reason.empty()) {
      not_run(id, std::move(reason));
      return {};
    }
    for (const auto& port : service.ports) {
      if (!options_.protocols.empty() &&
          std::ranges::find(options_.protocols, port.protocol) == options_.protocols.end())
        continue;
      const auto port_id = fmt::format("{}:{}/{}", id, port.port, to_string(port.protocol));
      if (port.protocol == Protocol::kUdp && !options_.reading.udp) {
        not_run(port_id,
                "nobody has to answer a UDP datagram of ours; --udp sends some and judges them by connection tracking");
        continue;
      }
      auto entries = entries_of(world_, service, port, places_);
      for (auto& reason : entries.not_run) not_run(port_id, std::move(reason));
      for (const auto& entry : entries.entries) {
        if (auto status = add_entry(service, port, entry); !status) return status;
      }
    }
    return {};
  }

  [[nodiscard]] Status add_entry(const world::Service& service, const world::ServicePort& port,
                                 const ReadingEntry& entry) {
    const auto family = entry.entry.target.address.family();
    if (!options_.families.empty() && std::ranges::find(options_.families, family) == options_.families.end())
      return {};
    for (std::size_t node = 0; node < places_.nodes(); ++node) {
      if (!worth_it(node, entry)) continue;
      if (auto status = add_cell(places_.origin(places_.node(node)), service, port, entry); !status) return status;
      for (const auto& pod : places_.pods(node)) {
        if (auto status = add_cell(places_.origin(pod), service, port, entry); !status) return status;
      }
    }
    for (const auto& origin : places_.external()) {
      if (!reaches(origin, entry)) continue;
      if (auto status = add_cell(origin, service, port, entry); !status) return status;
    }
    return {};
  }

  [[nodiscard]] bool worth_it(std::size_t from, const ReadingEntry& entry) const {
    const auto nodes = places_.nodes();
    return !entry.node || nodes <= kEveryNode || (*entry.node + nodes - from) % nodes < kEveryNode;
  }

  // From outside: a node's own port, and addresses that are routed to the nodes.
  [[nodiscard]] bool reaches(const Origin& external, const ReadingEntry& entry) const {
    const auto routed = [&](const std::vector<Prefix>& ranges) {
      return std::ranges::any_of(ranges, [&](const auto& range) { return range.contains(entry.entry.target.address); });
    };
    if (entry.node) return *entry.node == external.node_index;
    if (entry.entry.kind == EntryKind::kExternalIp) return routed(topology_.ranges.external_ips);
    return entry.entry.kind == EntryKind::kLoadBalancer && routed(topology_.ranges.load_balancers);
  }

  [[nodiscard]] Status add_cell(const Origin& origin, const world::Service& service, const world::ServicePort& port,
                                const ReadingEntry& entry) {
    const auto family = entry.entry.target.address.family();
    Cell cell;
    cell.scenario = "existing";
    cell.foreign = true;
    cell.step = service.namespace_name;
    cell.row = origin.label();
    cell.column = entry.column;
    cell.table = fmt::format("{} {} {} {}", service.name, to_string(entry.entry.kind), to_string(port.protocol),
                             to_string(family));
    cell.id = fmt::format("existing/{}/{}>{}/{}/{}", service.namespace_name, cell.row, entry.target,
                          to_string(port.protocol), to_string(family));
    if (auto reason = why_not(origin, port.protocol, family); !reason.empty()) {
      not_run(cell.id, std::move(reason));
      return {};
    }
    ids_.push_back(cell.id);
    if (!takes(cell.id)) return {};
    cell.flow = {origin.vantage(family), entry.entry, port.protocol};
    auto expectation = expect(cell.flow);
    if (!expectation) return std::unexpected(expectation.error().in("cell " + cell.id));
    cell.expectation = std::move(*expectation);
    if (cell.expectation.outcomes.replied) {
      for (const auto& endpoint : cell.expectation.endpoints)
        cell.controls.push_back(straight(origin, endpoint, port.protocol));
      std::ranges::sort(cell.controls);
    }
    cell.tasks = {add_task(origin, entry.entry.target, port.protocol, probes_for(cell))};
    stage_->cells.push_back(std::move(cell));
    return {};
  }

  [[nodiscard]] std::string why_not(const Origin& origin, Protocol protocol, Family family) const {
    if (address_of(origin.sources, family).is_unspecified())
      return fmt::format("{} has no {} address", origin.label(), to_string(family));
    if (options_.capabilities.empty()) return {};
    const auto known = options_.capabilities.find(origin.agent);
    if (known == options_.capabilities.end()) return fmt::format("there is no agent on {}", origin.agent);
    const auto can = [&](std::string_view word) {
      return std::ranges::find(known->second, word) != known->second.end();
    };
    const auto method = to_string(method_for(protocol));
    if (!can(method)) return fmt::format("the agent on {} cannot do {}", origin.agent, method);
    if (family == Family::kIpv6 && !can("ipv6")) return fmt::format("the agent on {} has no ipv6", origin.agent);
    if (protocol == Protocol::kUdp && !can("conntrack"))
      return fmt::format("the agent on {} cannot ask connection tracking, without which a UDP flow shows nothing",
                         origin.agent);
    return {};
  }

  [[nodiscard]] Result<Expectation> expect(const Flow& flow) const {
    auto specified = oracle::expect(world_, flow);
    if (!specified) return specified;
    auto expectation = oracle::overlay(options_.profiles, world_, flow, std::move(*specified));
    allow_for_icmp_limit(expectation);
    ignore_source_outside_of_pods(expectation);
    return expectation;
  }

  // Refusals by several Services come to one client from the same node.
  void allow_for_icmp_limit(Expectation& expectation) const {
    if (!options_.icmp_limited || !expectation.outcomes.refused || expectation.outcomes.timed_out) return;
    expectation.outcomes.timed_out = true;
    expectation.rules.push_back({"icmp-errors-limited",
                                 "kernels send few ICMP errors to one peer, so that silence may stand for a refusal",
                                 "Linux: net.ipv4.icmp_ratelimit, net.ipv6.icmp.ratelimit"});
  }

  // Pod networks may masquerade what leaves them, which is not the Service's doing.
  void ignore_source_outside_of_pods(Expectation& expectation) const {
    const auto is_pod = [&](const auto& endpoint) { return pods_.contains(endpoint.address); };
    if (expectation.source == SourceRule::kAny || std::ranges::all_of(expectation.endpoints, is_pod)) return;
    expectation.source = SourceRule::kAny;
    expectation.source_addresses.clear();
    expectation.rules.push_back({"endpoint-outside-pod-network",
                                 "an endpoint is not known to be in the pod network, which may masquerade what leaves "
                                 "it: no source is asserted",
                                 "Kubernetes network model: only pods reach each other without NAT"});
  }

  [[nodiscard]] std::uint32_t probes_for(const Cell& cell) const {
    const auto& expectation = cell.expectation;
    if (!expectation.outcomes.replied) return kUnansweredProbes;
    if (cell.flow.entry.kind == EntryKind::kPodIp) return kStraightProbes;
    if (options_.reading.probes > 0) return options_.reading.probes;
    return expectation.spread == Spread::kSticky ? kLeastReadingProbes : probes_to_see(expectation.endpoints.size());
  }

  // That the endpoint itself answers this client, without any Service in between.
  std::uint32_t straight(const Origin& origin, const SocketAddress& endpoint, Protocol protocol) {
    const auto next = static_cast<std::uint32_t>(stage_->controls.size());
    const auto [known, fresh] = controls_.try_emplace({origin.label(), protocol, endpoint}, next);
    if (!fresh) return known->second;
    Control control;
    const auto named = endpoints_.find({protocol, endpoint});
    const auto name = named == endpoints_.end()
                          ? endpoint.to_string()
                          : fmt::format("{}:{}", plan_.responders[named->second - 1].spec.place, endpoint.port);
    control.id = fmt::format("control/endpoint/{}>{}/{}/{}", origin.label(), name, to_string(protocol),
                             to_string(endpoint.address.family()));
    control.responder = named == endpoints_.end() ? 0 : named->second;
    control.foreign = true;
    control.tasks = {add_task(origin, endpoint, protocol, kControlProbes)};
    stage_->controls.push_back(std::move(control));
    return next;
  }

  std::uint32_t add_task(const Origin& origin, const SocketAddress& target, Protocol protocol, std::uint32_t count) {
    PlannedTask planned{origin.agent, {}};
    auto& task = planned.task;
    task.id = ++last_task_;
    task.place = origin.name;
    // Only a client outside has several addresses to choose from; elsewhere the kernel's choice is part of the path.
    task.source = origin.kind == VantageKind::kExternal ? address_of(origin.sources, target.address.family())
                                                        : address_of({}, target.address.family());
    task.target = target;
    task.method = method_for(protocol);
    task.count = count;
    task.timeout = protocol == Protocol::kUdp ? std::min(options_.timeout, kUdpPatience) : options_.timeout;
    task.foreign = true;
    stage_->tasks.push_back(std::move(planned));
    return last_task_;
  }

  // All of an agent's tasks go on side by side, so that each has its share of the agent's rate.
  void pace() {
    std::map<std::string, std::int64_t> tasks;
    for (const auto& planned : stage_->tasks) ++tasks[planned.agent];
    const auto rate = std::max<std::int64_t>(1, options_.reading.rate);
    for (auto& planned : stage_->tasks)
      planned.task.interval = std::chrono::microseconds(tasks[planned.agent] * 1'000'000 / rate);
  }

  const Topology& topology_;
  const world::World& world_;
  const PlanOptions& options_;
  Places places_;
  Plan plan_;
  Stage* stage_ = nullptr;
  std::uint32_t last_task_ = 0;
  std::set<IpAddress> pods_;                                               // endpoints that are
  std::map<std::pair<Protocol, SocketAddress>, std::uint32_t> endpoints_;  // → responder
  std::map<std::tuple<std::string, Protocol, SocketAddress>, std::uint32_t> controls_;
  std::vector<std::string> ids_;  // of all cells, for a message
};

}  // namespace

Result<Plan> make_reading_plan(const Topology& topology, const world::World& world, const PlanOptions& options) {
  if (topology.nodes.empty()) return fail(ErrorCode::kNotFound, "the topology has no nodes to probe from");
  return ReadingPlanner(topology, world, options).run();
}

}  // namespace conntruth::plan
