#include "controller/oracle/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "controller/oracle/endpoint_selection.hpp"
#include "controller/oracle/entry_lookup.hpp"
#include "controller/oracle/membership.hpp"
#include "controller/oracle/oracle.hpp"
#include "controller/oracle/policy.hpp"
#include "controller/oracle/recorded.hpp"

namespace conntruth::oracle {
namespace {

// What a fact is held against.
struct Case {
  const world::World& world;
  const Flow& flow;
  const Expectation* before = nullptr;  // of an existing flow
};

template <typename T>
bool admits(const std::vector<T>& list, const T& value) {
  return list.empty() || contains(list, value);
}

bool has_decided(const std::string& alternatives, const std::vector<Rule>& rules) {
  return std::ranges::any_of(rules, [&](const Rule& rule) {
    return ("|" + alternatives + "|").find("|" + rule.id + "|") != std::string::npos;
  });
}

bool holds(const FactCondition& when, const Case& subject, const Expectation& specified) {
  const auto& flow = subject.flow;
  const bool existing = subject.before != nullptr;
  const bool age = when.age == FlowAge::kAny || (when.age == FlowAge::kExisting) == existing;
  return age && admits(when.clients, flow.vantage.kind) && admits(when.entries, flow.entry.kind) &&
         admits(when.protocols, flow.protocol) && admits(when.families, flow.family()) &&
         std::ranges::all_of(when.rules, [&](const std::string& each) { return has_decided(each, specified.rules); });
}

// Who looks at the packet: the node whose dataplane chooses the endpoint.
struct Decided {
  Question question;
  std::optional<Frontend> frontend;
  const world::Node* node = nullptr;
};

std::optional<Decided> decided(const world::World& world, const Flow& flow) {
  const auto question = ask(world, flow);
  if (!question) return std::nullopt;
  Decided result{*question, find_frontend(*question), question->client_node};
  if (flow.entry.kind == EntryKind::kName) return std::nullopt;  // no dataplane decides what a name has
  if (!http_path(flow.entry.kind).empty()) {
    result.frontend.reset();
    result.node = owner_of(world, flow.entry.target.address);
  }
  if (result.frontend) result.node = decide(*question, *result.frontend).node;
  return result;
}

// Where an endpoint is whatever its slice says of it: its node name may be missing.
bool is_on(const Candidate& candidate, const world::Node& node) {
  if (!candidate.node.empty()) return candidate.node == node.name;
  const auto& address = candidate.address.address;
  return contains(node.addresses, address) ||
         std::ranges::any_of(node.pod_cidrs, [&](const Prefix& each) { return each.contains(address); });
}

void replace_source(Expectation& expectation, const Decided& by, SourceRule rule) {
  expectation.source = rule;
  expectation.source_addresses.clear();
  if (rule == SourceRule::kClient || rule == SourceRule::kClientOrNode) {
    expectation.source_addresses.push_back(by.question.client);
  }
  if (rule == SourceRule::kNode || rule == SourceRule::kClientOrNode) {
    for (const auto& address : addresses_of(*by.node, by.question.family())) {
      expectation.source_addresses.push_back(address);
    }
  }
  std::ranges::sort(expectation.source_addresses);
}

void spread_over_cluster(Expectation& expectation, const Decided& by, bool masquerades_own) {
  if (!by.frontend) return;
  const auto candidates =
      candidates_of(*by.question.world, *by.frontend->service, *by.frontend->port, by.question.family());
  const auto chosen = cluster_set(candidates, *by.node).endpoints;
  if (chosen.empty()) return;
  expectation.endpoints.clear();
  for (const auto& endpoint : chosen) {
    const auto& candidate = *std::ranges::find(candidates, endpoint, &Candidate::address);
    const bool own = endpoint.address == by.question.client;
    const bool answered = is_on(candidate, *by.node) || (own && masquerades_own);
    (answered ? expectation.endpoints : expectation.unanswered_at).push_back(endpoint);
  }
  const bool some_lost = !expectation.unanswered_at.empty();
  expectation.outcomes = {.replied = !expectation.endpoints.empty(), .refused = false, .timed_out = some_lost};
  // Who sticks to one endpoint is answered every time or never.
  const bool sticky = by.frontend->service->affinity_timeout_s.has_value();
  expectation.spread = !sticky ? Spread::kUniform : some_lost ? Spread::kFree : Spread::kSticky;
  expectation.source = expectation.endpoints.empty() ? SourceRule::kAny : SourceRule::kClient;
  expectation.source_addresses.clear();
  if (!expectation.endpoints.empty()) expectation.source_addresses = {by.question.client};
}

// Whether that Service port has the endpoint in use and says that it is on the node.
bool puts_there(const Decided& by, const world::Service& service, const world::ServicePort& port,
                const SocketAddress& endpoint) {
  if (!service.is_proxied() || port.protocol != by.question.flow->protocol) return false;
  const auto candidates = candidates_of(*by.question.world, service, port, by.question.family());
  const auto found = std::ranges::find(candidates, endpoint, &Candidate::address);
  if (found == candidates.end() || found->node != by.node->name) return false;
  return contains(cluster_set(candidates, *by.node).endpoints, endpoint) ||
         contains(local_set(candidates, *by.node).endpoints, endpoint);
}

// Of an endpoint without a node name nobody knows where it is, unless another Service says so: endpoints that are to be
// masqueraded are remembered for all Services together.
void lose_own_elsewhere(Expectation& expectation, const Decided& by) {
  if (!by.frontend) return;
  const auto is_lost = [&](const SocketAddress& endpoint) {
    return endpoint.address == by.question.client &&
           std::ranges::none_of(by.question.world->services, [&](const world::Service& service) {
             return std::ranges::any_of(service.ports,
                                        [&](const auto& port) { return puts_there(by, service, port, endpoint); });
           });
  };
  const auto lost = std::ranges::stable_partition(expectation.endpoints, std::not_fn(is_lost));
  if (lost.empty()) return;
  expectation.unanswered_at.insert(expectation.unanswered_at.end(), lost.begin(), lost.end());
  expectation.endpoints.erase(lost.begin(), lost.end());
  expectation.outcomes = {.replied = !expectation.endpoints.empty(), .refused = false, .timed_out = true};
  if (expectation.spread == Spread::kSticky) expectation.spread = Spread::kFree;
  if (expectation.endpoints.empty()) replace_source(expectation, by, SourceRule::kAny);
}

bool may_go_where_nothing_serves(const Expectation& expectation, const Decided& by) {
  if (!by.frontend) return false;
  const auto candidates =
      candidates_of(*by.question.world, *by.frontend->service, *by.frontend->port, by.question.family());
  return std::ranges::any_of(candidates, &Candidate::serving) &&
         std::ranges::any_of(candidates, [&](const Candidate& each) {
           return !each.serving && contains(expectation.endpoints, each.address);
         });
}

void stay(Expectation& expectation, const Expectation& before) {
  expectation.outcomes = before.outcomes;
  expectation.endpoints = before.endpoints;
  expectation.unanswered_at = before.unanswered_at;
  expectation.source = before.source;
  expectation.source_addresses = before.source_addresses;
  expectation.spread = Spread::kFree;
}

void apply(const FactEffect& then, const Case& subject, const Decided& by, Expectation& expectation) {
  if (then.cluster_endpoints) spread_over_cluster(expectation, by, then.masquerades_own);
  if (then.loses_own_elsewhere) lose_own_elsewhere(expectation, by);
  if (then.flow_stays && subject.before != nullptr) stay(expectation, *subject.before);
  if (then.outcomes) {
    expectation.outcomes = *then.outcomes;
    if (!then.outcomes->replied) {
      expectation.endpoints.clear();
      expectation.http.reset();
    }
  }
  if (then.source) replace_source(expectation, by, *then.source);
  if (then.recorded || (then.records_not_serving && may_go_where_nothing_serves(expectation, by))) {
    only_record(expectation);
  }
}

bool ignores_objects(const FactEffect& then) {
  return !then.ignored_service_label.empty() || !then.ignored_slice_label.empty();
}

// Without what is ignored; nothing where nothing of it is there, as worlds may be large.
std::optional<world::World> as_seen_by(const FactEffect& then, const world::World& world) {
  const auto ignored_service = [&](const auto& each) { return each.labels.contains(then.ignored_service_label); };
  const auto ignored_slice = [&](const auto& each) { return each.labels.contains(then.ignored_slice_label); };
  if (std::ranges::none_of(world.services, ignored_service) && std::ranges::none_of(world.slices, ignored_slice)) {
    return std::nullopt;
  }
  auto smaller = world;
  std::erase_if(smaller.services, ignored_service);
  std::erase_if(smaller.slices, ignored_slice);
  return smaller;
}

Result<Expectation> specified_for(const world::World& world, const Case& subject) {
  auto flow = subject.flow;
  if (world.service(flow.entry.service) == nullptr) flow.entry.service.clear();
  return subject.before == nullptr ? expect(world, flow) : expect_fixed_udp(*subject.before, flow, world);
}

bool says_the_same(Expectation one, Expectation other) {
  for (auto* each : {&one, &other}) {
    each->rules.clear();
    each->profile_facts.clear();
  }
  return one == other;
}

// Lays the facts of one node's profile over an answer, each over what those before it have left.
class Overlay {
 public:
  Overlay(const Profile& profile, const std::optional<Version>& version, const Case& subject, Expectation specified)
      : profile_(profile), version_(version), subject_(subject), result_(std::move(specified)) {}

  // Facts about what is looked at come first: they change what the others are held against.
  [[nodiscard]] Expectation take(const std::string& node) {
    const auto specified = result_;
    each_fact(specified, true, [&](const Fact& fact) { see_less(fact, node); });
    const auto seen = result_;
    each_fact(seen, false, [&](const Fact& fact) { change(fact, node); });
    return std::move(result_);
  }

 private:
  template <typename Visit>
  void each_fact(const Expectation& specified, bool ignoring, Visit visit) {
    for (const Fact& fact : profile_.facts) {
      if (ignores_objects(fact.then) != ignoring || !result_.scored) continue;
      if (fact.versions.contains(version_) && holds(fact.when, subject_, specified)) visit(fact);
    }
  }

  [[nodiscard]] const world::World& world() const { return smaller_ ? *smaller_ : subject_.world; }

  void see_less(const Fact& fact, const std::string& node) {
    auto smaller = as_seen_by(fact.then, world());
    if (!smaller) return;
    auto seen = specified_for(*smaller, subject_);
    if (!seen || says_the_same(*seen, result_)) return;
    seen->profile_facts = std::move(result_.profile_facts);
    result_ = *std::move(seen);
    smaller_ = std::move(smaller);
    note(fact, node);
  }

  void change(const Fact& fact, const std::string& node) {
    // What never was a flow cannot stay one.
    if (fact.then.flow_stays && (subject_.before == nullptr || !subject_.before->outcomes.replied)) return;
    const auto by = decided(world(), subject_.flow);
    if (!by) return;
    const auto before = result_;
    apply(fact.then, subject_, *by, result_);
    if (!says_the_same(before, result_)) note(fact, node);
  }

  void note(const Fact& fact, const std::string& node) {
    result_.profile_facts.push_back(profile_.name + "/" + fact.id);
    result_.rules.push_back({result_.profile_facts.back(),
                             fmt::format("{} runs {}: {}", node, profile_.title, fact.text),
                             fmt::format("{}", fmt::join(fact.sources, "; "))});
  }

  const Profile& profile_;
  const std::optional<Version>& version_;
  const Case& subject_;
  std::optional<world::World> smaller_;
  Expectation result_;
};

Expectation overlay_case(const Profiles& profiles, const Case& subject, Expectation specified) {
  if (profiles.nodes.empty() || !specified.scored) return specified;
  const auto by = decided(subject.world, subject.flow);
  if (!by) return specified;
  const auto assigned = profiles.nodes.find(by->node->name);
  if (assigned == profiles.nodes.end()) return specified;
  const auto& profile = profiles.profiles.at(assigned->second.profile);
  return Overlay(profile, assigned->second.version, subject, std::move(specified)).take(by->node->name);
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  Version version;
  std::size_t part = 0;
  for (; part < version.parts.size(); ++part) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version.parts[part]);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) break;
    if (text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  if (part == 0 || part == version.parts.size()) return std::nullopt;
  return version;
}

std::string Version::to_string() const {
  return parts[2] == 0 ? fmt::format("{}.{}", parts[0], parts[1])
                       : fmt::format("{}.{}.{}", parts[0], parts[1], parts[2]);
}

bool VersionRange::contains(const std::optional<Version>& version) const {
  return !version || ((!from || *from <= *version) && (!before || *version < *before));
}

std::string VersionRange::to_string() const {
  if (from && before) return fmt::format("{} to before {}", from->to_string(), before->to_string());
  if (from) return "from " + from->to_string();
  return before ? "before " + before->to_string() : "all";
}

Expectation overlay(const Profiles& profiles, const world::World& world, const Flow& flow, Expectation specified) {
  return overlay_case(profiles, {world, flow}, std::move(specified));
}

Expectation overlay_existing(const Profiles& profiles, const world::World& now, const Flow& flow,
                             const Expectation& before, Expectation specified) {
  auto result = overlay_case(profiles, {now, flow, &before}, std::move(specified));
  if (!result.profile_facts.empty() && !result.endpoints.empty()) result.spread = Spread::kFree;
  return result;
}

Expectation overlay_established(const Profiles& profiles, const world::World& opened, const Flow& flow,
                                Expectation specified) {
  const auto first = expect(opened, flow);
  if (!first || !specified.scored) return specified;
  auto changed = overlay(profiles, opened, flow, *first);
  if (changed.profile_facts.empty()) return specified;
  specified.profile_facts = std::move(changed.profile_facts);
  specified.rules.push_back(std::move(changed.rules.back()));
  only_record(specified);
  return specified;
}

}  // namespace conntruth::oracle
