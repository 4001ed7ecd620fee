#pragma once
// What was observed, per cell and per control: counts, without a verdict. Lists are sorted and bounded; what did not
// fit is counted. Plain values.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/probe.hpp"
#include "common/stats/histogram.hpp"

namespace conntruth::matrix {

struct OutcomeCounts {
  std::uint64_t replied = 0;
  std::uint64_t refused = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t tool_error = 0;
  [[nodiscard]] std::uint64_t total() const { return replied + refused + timed_out + tool_error; }
  bool operator==(const OutcomeCounts&) const = default;
};

// What one sample is, held against the cell's expectation.
enum class SampleKind : std::uint8_t {
  kAcceptable,
  kReplyUnexpected,  // an answer where none is acceptable
  kRefusalUnexpected,
  kSilenceUnexpected,
  kWrongEndpoint,  // answered by an endpoint outside of the set
  kWrongSource,    // answered by the right one, which saw a source that the rule forbids
  kToolError,
  kWrongAnswer,  // an answer over HTTP or DNS that says something else than it has to
};
inline constexpr std::size_t kSampleKinds = 8;
[[nodiscard]] std::string_view to_string(SampleKind kind);  // "acceptable", "wrong-endpoint", ...

struct MethodCounts {
  Method method = Method::kUdpSocket;
  OutcomeCounts outcomes;
  bool operator==(const MethodCounts&) const = default;
};

struct ResponderCount {
  std::uint32_t responder = 0;
  bool acceptable = false;
  std::uint64_t fresh = 0;  // flows with a source port of their own each
  std::uint64_t fixed = 0;  // probes of one flow (fixed 5-tuple, kept connection): no statement about shares
  [[nodiscard]] std::uint64_t total() const { return fresh + fixed; }
  bool operator==(const ResponderCount&) const = default;
};

struct SourceCount {
  IpAddress address;
  std::uint64_t count = 0;
  bool operator==(const SourceCount&) const = default;
};

struct RefusalCount {
  Refusal refusal;
  std::uint64_t count = 0;
  bool operator==(const RefusalCount&) const = default;
};

struct HttpCount {
  HttpAnswer answer;
  bool acceptable = false;
  std::uint64_t count = 0;
  bool operator==(const HttpCount&) const = default;
};

struct NameCount {
  NameAnswer answer;
  bool acceptable = false;
  std::uint64_t count = 0;
  bool operator==(const NameCount&) const = default;
};

// Times since the world was published; client's clock against the controller's (one clock in a lab).
struct FollowTimes {
  std::optional<std::int64_t> first_right_ns;  // the first acceptable answer's arrival
  std::optional<std::int64_t> last_wrong_ns;   // when the last probe without an acceptable answer was sent
  std::optional<std::int64_t> first_wrong_ns;  // when the first such probe was sent; cells with kGap only
  std::uint64_t right_before = 0;              // acceptable answers that came before the change: nothing was measured
  bool operator==(const FollowTimes&) const = default;
};

// Of a flow that began in an earlier stage: for how long it was probed in the last of these, and for how long not at
// all until this stage's first probe.
struct Interlude {
  std::int64_t probed_ns = 0;
  std::int64_t idle_ns = 0;
  bool operator==(const Interlude&) const = default;
};

// Foreign probes that went to where no endpoint of the world is.
struct ElsewhereCount {
  SocketAddress address;
  std::uint64_t count = 0;
  bool operator==(const ElsewhereCount&) const = default;
};

// What connection tracking told of foreign probes that were not refused.
struct ForeignCounts {
  std::uint64_t unseen = 0;               // it was not told who was chosen
  std::uint64_t sent_on = 0;              // nothing came back, and it is known to where they were sent
  std::vector<ElsewhereCount> elsewhere;  // sorted
  std::uint64_t elsewhere_beyond = 0;
  bool operator==(const ForeignCounts&) const = default;
};

inline constexpr std::size_t kMaxListed = 16;   // sources, refusals and HTTP answers kept one by one
inline constexpr std::size_t kMaxExamples = 3;  // probe ids per kind of sample

struct CellObservation {
  std::uint64_t planned = 0;
  std::uint64_t received = 0;  // and judged
  std::uint64_t missing = 0;   // planned, not stopped early, and not reported
  std::uint64_t settling = 0;  // set aside: sent while the change was allowed to take its time, and not yet acceptable
  OutcomeCounts outcomes;
  std::vector<MethodCounts> methods;       // those that were used, in Method's order
  std::vector<ResponderCount> responders;  // by id, those that answered
  std::vector<SourceCount> sources;        // seen by acceptable endpoints; by address
  std::vector<SourceCount> wrong_sources;  // the part of them that the rule forbids
  std::uint64_t sources_beyond = 0;        // samples whose source did not fit the two lists
  std::vector<RefusalCount> refusals;      // sorted
  std::uint64_t refusals_beyond = 0;
  std::vector<HttpCount> http;  // cells asked over HTTP only; sorted
  std::uint64_t http_beyond = 0;
  std::vector<NameCount> lookups;  // cells of names only; sorted
  std::uint64_t lookups_beyond = 0;
  std::array<std::uint64_t, kSampleKinds> kinds{};  // by SampleKind
  std::array<std::vector<ProbeId>, kSampleKinds> examples;
  std::uint64_t arrived_silent = 0;        // the client saw nothing, a responder saw the request
  std::uint64_t arrived_refused = 0;       // the client was refused, a responder saw the request
  std::uint64_t strangers = 0;             // timed out, yet something accepted the flow and gave no identity
  std::vector<ResponderCount> arrived_at;  // who saw those requests
  ForeignCounts foreign;                   // of a run that reads
  std::string first_error;
  std::optional<Interlude> interlude;
  FollowTimes follow;           // cells with kFollow, kGap and kLeave only
  std::uint32_t kept_by = 0;    // cells with kKept only: the responder of the connection's first answer; 0: none came
  stats::Histogram round_trip;  // of replied samples, ns

  [[nodiscard]] std::uint64_t count(SampleKind kind) const { return kinds[static_cast<std::size_t>(kind)]; }
  bool operator==(const CellObservation&) const = default;
};

struct ControlObservation {
  std::uint64_t planned = 0;
  std::uint64_t received = 0;
  std::uint64_t right = 0;  // replied by the right responder, or refused
  OutcomeCounts outcomes;
  std::string first_error;
  bool operator==(const ControlObservation&) const = default;
};

struct StageObservation {
  std::vector<CellObservation> cells;        // parallel to Stage::cells
  std::vector<ControlObservation> controls;  // parallel to Stage::controls
  bool operator==(const StageObservation&) const = default;
};

struct Observations {
  std::vector<StageObservation> stages;  // parallel to Plan::stages
  std::uint64_t foreign = 0;             // reports with an id outside of the plan
  std::uint64_t duplicates = 0;
  bool operator==(const Observations&) const = default;
};

}  // namespace conntruth::matrix
