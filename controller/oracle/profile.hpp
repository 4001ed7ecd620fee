#pragma once
// What a dataplane is known to do otherwise than specified, as data, and how it changes an Expectation. The
// specification (oracle.hpp) knows nothing of it: a profile is laid over its answer, and every cell that it changed
// names the fact and where that is written. A fact predicts: where the dataplane does not do what the fact says, the
// cell is red as any other.
// Sources: each fact names its own. Threading: values and pure functions.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/expectation.hpp"
#include "common/model/flow.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::oracle {

// "1.36.3" and "v1.36" (patch 0).
struct Version {
  std::array<std::uint16_t, 3> parts{};
  [[nodiscard]] static std::optional<Version> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Version&) const = default;
};

struct VersionRange {
  std::optional<Version> from;    // inclusive
  std::optional<Version> before;  // exclusive
  // An unknown version is in every range.
  [[nodiscard]] bool contains(const std::optional<Version>& version) const;
  [[nodiscard]] std::string to_string() const;  // "1.32 to before 1.37", "all"
  bool operator==(const VersionRange&) const = default;
};

enum class FlowAge : std::uint8_t { kAny, kNew, kExisting };

// For which flows a fact holds. An empty list does not restrict.
struct FactCondition {
  // Rules that have decided the specification's answer: of each member one; "a|b" names alternatives.
  std::vector<std::string> rules;
  std::vector<VantageKind> clients;
  std::vector<EntryKind> entries;
  std::vector<Protocol> protocols;
  std::vector<Family> families;
  FlowAge age = FlowAge::kAny;
  bool operator==(const FactCondition&) const = default;
};

// What happens instead. At least one of these.
struct FactEffect {
  // The flow is spread as under policy Cluster and keeps its source, so that only replies of endpoints on the deciding
  // node come back through it; all others are lost on their way.
  bool cluster_endpoints = false;
  // With it: a flow that comes back to its own client is masqueraded, and so answered.
  bool masquerades_own = false;
  // A flow that comes back to its own client from an endpoint which no slice of any Service puts on the deciding node
  // is lost.
  bool loses_own_elsewhere = false;
  // As if there were no Services, or no EndpointSlices, with that label. "": all are looked at.
  std::string ignored_service_label;
  std::string ignored_slice_label;
  // Nothing is asserted any more where a flow may go to an endpoint that is published and not serving, and another one
  // of its Service is serving.
  bool records_not_serving = false;
  // An existing flow goes on to the endpoint that it had.
  bool flow_stays = false;
  std::optional<OutcomeSet> outcomes;  // these instead; without a reply also no endpoint
  std::optional<SourceRule> source;
  bool recorded = false;  // nothing is asserted any more
  bool operator==(const FactEffect&) const = default;
};

struct Fact {
  std::string id;    // kebab-case, unique in its profile
  std::string text;  // one sentence
  std::vector<std::string> sources;
  VersionRange versions;
  FactCondition when;
  FactEffect then;
  bool operator==(const Fact&) const = default;
};

struct Profile {
  std::string name;       // kebab-case
  std::string title;      // one line for people
  std::string dataplane;  // what a lab calls it, without a version: "kube-proxy:nftables"; "" where no lab does
  std::vector<Fact> facts;
  bool operator==(const Profile&) const = default;
};

// Which profile holds on which node; nodes that are not named are judged by the specification alone.
struct NodeProfile {
  std::size_t profile = 0;  // index
  std::optional<Version> version;
  bool operator==(const NodeProfile&) const = default;
};
struct Profiles {
  std::vector<Profile> profiles;
  std::map<std::string, NodeProfile> nodes;
  bool operator==(const Profiles&) const = default;
};

// The specification's answer for a new flow, with the facts of the profile of the node that decides laid over it. Facts
// that would change nothing are not named.
[[nodiscard]] Expectation overlay(const Profiles& profiles, const world::World& world, const Flow& flow,
                                  Expectation specified);

// The same for a UDP flow that goes on; `before` is what was expected of it last.
[[nodiscard]] Expectation overlay_existing(const Profiles& profiles, const world::World& now, const Flow& flow,
                                           const Expectation& before, Expectation specified);

// The same for a TCP connection: where a fact is about how it was opened, it is recorded only.
[[nodiscard]] Expectation overlay_established(const Profiles& profiles, const world::World& opened, const Flow& flow,
                                              Expectation specified);

}  // namespace conntruth::oracle
