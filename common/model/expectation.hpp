#pragma once
// What a flow is allowed to do: the oracle's answer, kept with the run so that verdicts can be recomputed.
// Plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.hpp"
#include "common/model/probe.hpp"

namespace conntruth {

// Which outcomes are acceptable. Several may be: kube-proxy drops what is outside loadBalancerSourceRanges, others
// refuse.
struct OutcomeSet {
  bool replied = false;
  bool refused = false;
  bool timed_out = false;
  auto operator<=>(const OutcomeSet&) const = default;
};
[[nodiscard]] std::string to_string(const OutcomeSet& outcomes);  // "replied", "refused|timed-out"

enum class SourceRule : std::uint8_t {
  kAny,           // nothing is asserted
  kClient,        // the client's own address; where a pod's flow comes back to that pod itself (hairpin): not its own
  kNode,          // an address of `source_nodes`
  kClientOrNode,  // either
};
[[nodiscard]] std::string_view to_string(SourceRule rule);  // "any", "client", "node", "client-or-node"

// How flows spread over the acceptable endpoints.
enum class Spread : std::uint8_t {
  kUniform,  // each new flow picks one at random with equal chance
  kSticky,   // all flows of one client address reach one and the same endpoint (session affinity)
  kFree,     // any member of the set may answer, shares are not asserted
};
[[nodiscard]] std::string_view to_string(Spread spread);

// One rule that took part in the decision, in the order in which they were applied.
struct Rule {
  std::string id;      // stable, kebab-case: "etp-local-none-local-drop"
  std::string text;    // one sentence for people with the names and numbers of this very case
  std::string source;  // "KEP-1669", "kube-proxy: topology.go CategorizeEndpoints", ...
  bool operator==(const Rule&) const = default;
};

// What has to be answered over HTTP.
struct HttpExpectation {
  std::uint16_t status = 0;
  std::optional<std::uint64_t> local_endpoints;  // absent: whatever the body says of them
  std::string service;                           // "namespace/name"; "": whatever the body says
  bool operator==(const HttpExpectation&) const = default;
};
[[nodiscard]] std::string to_string(const HttpExpectation& expected);  // "200 (1 local)", "503"

struct Expectation {
  OutcomeSet outcomes;
  // Who may answer, sorted; empty where no reply is acceptable, and with `http` and `name`.
  std::vector<SocketAddress> endpoints;
  std::optional<HttpExpectation> http = {};  // set: the entry is asked over HTTP, and a reply has to say this
  std::optional<NameAnswer> name = {};       // set: the entry is a name, and a reply has to say this
  Spread spread = Spread::kUniform;
  SourceRule source = SourceRule::kAny;
  std::vector<IpAddress> source_addresses;  // the client's and/or nodes' addresses that satisfy `source`, sorted
  bool scored = true;                       // false: recorded only (implementation defined)
  std::vector<Rule> rules;
  // What the profile of the dataplane that decides has changed in the specification's answer: ids of its facts, each
  // "PROFILE/FACT" and also the last of `rules`. Empty: the specification alone.
  std::vector<std::string> profile_facts;
  // Where requests may arrive whose clients get no reply, sorted: only a profile's fact allows that.
  std::vector<SocketAddress> unanswered_at;
  bool operator==(const Expectation&) const = default;
};

}  // namespace conntruth
