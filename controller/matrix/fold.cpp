#include "controller/matrix/fold.hpp"

#include <algorithm>

#include "controller/matrix/classify.hpp"
#include "controller/matrix/counting.hpp"

namespace conntruth::matrix {

namespace {

class CellFolder {
 public:
  CellFolder(const plan::Cell& cell, const ResponderIndex& responders, std::int64_t published_ns)
      : cell_(cell), responders_(responders), classifier_(cell, responders), published_ns_(published_ns) {}

  // A kept connection has the endpoint that gave its first answer, perhaps in an earlier stage.
  void keep_to(std::uint32_t responder) {
    if (responder == 0) return;
    result_.kept_by = responder;
    classifier_.only(responder);
  }

  void add_task(const ProbeTask& task, const SampleTable& samples) {
    const auto slots = samples.of_task(task.id);
    auto& counts = counts_of(result_.methods, task.method);
    std::uint64_t received = 0;
    std::uint64_t settling = 0;
    std::uint64_t stoppers = 0;
    const auto turned = turn(task, samples);
    for (std::uint32_t sequence = 0; sequence < slots.size(); ++sequence) {
      const auto& joined = slots[sequence];
      if (joined.outcome == 0) continue;
      ++received;
      const auto id = probe_id(task.id, sequence);
      const auto said = samples.said(id);
      if (sequence < turned && settles(joined, said)) {
        ++settling;
        continue;
      }
      count_outcome(counts, static_cast<Outcome>(joined.outcome));
      stoppers += stops(task, joined, said) ? 1U : 0U;
      if (task.foreign) {
        add_foreign(joined, id, task, samples.translation(id));
      } else {
        add_sample(joined, id, said, task.source_port != 0 || task.connection != 0);
      }
    }
    result_.planned += task.count;
    result_.received += received - settling;
    result_.settling += settling;
    const bool stopped_early = task.until_count > 0 && stoppers >= task.until_count;
    if (!stopped_early) result_.missing += task.count - received;
    if (result_.first_error.empty()) result_.first_error = samples.first_error(task.id);
  }

  [[nodiscard]] CellObservation finish() && {
    const auto by_address = [](const auto& a, const auto& b) { return a.address < b.address; };
    const auto by_responder = [](const auto& a, const auto& b) { return a.responder < b.responder; };
    std::sort(result_.methods.begin(), result_.methods.end(),
              [](const auto& a, const auto& b) { return a.method < b.method; });
    std::sort(result_.responders.begin(), result_.responders.end(), by_responder);
    std::sort(result_.arrived_at.begin(), result_.arrived_at.end(), by_responder);
    std::sort(result_.sources.begin(), result_.sources.end(), by_address);
    std::sort(result_.wrong_sources.begin(), result_.wrong_sources.end(), by_address);
    std::sort(result_.refusals.begin(), result_.refusals.end(),
              [](const auto& a, const auto& b) { return a.refusal < b.refusal; });
    std::ranges::sort(result_.foreign.elsewhere, {}, &ElsewhereCount::address);
    const auto by_answer = [](const auto& a, const auto& b) { return a.answer < b.answer; };
    std::sort(result_.http.begin(), result_.http.end(), by_answer);
    std::sort(result_.lookups.begin(), result_.lookups.end(), by_answer);
    return std::move(result_);
  }

 private:
  static bool stops(const ProbeTask& task, const Joined& joined, const Said& said) {
    switch (static_cast<Outcome>(joined.outcome)) {
      case Outcome::kReplied:
        if (said.name != nullptr) return *said.name == task.until_name;
        return std::ranges::find(task.until_responders, joined.responder) != task.until_responders.end();
      case Outcome::kRefused:
        return task.until_refused;
      case Outcome::kTimedOut:
        return task.until_timed_out;
      case Outcome::kToolError:
        return false;
    }
    return false;
  }

  // Up to which probe the world before may show. A server tells one state after the other: up to its first right
  // answer, and not at all where none comes.
  [[nodiscard]] std::uint32_t turn(const ProbeTask& task, const SampleTable& samples) const {
    if (task.method != Method::kHttpGet && task.method != Method::kDnsLookup) return task.count;
    const auto slots = samples.of_task(task.id);
    for (std::uint32_t sequence = 0; sequence < slots.size(); ++sequence) {
      const auto said = samples.said(probe_id(task.id, sequence));
      if (slots[sequence].outcome != 0 && classifier_.classify(slots[sequence], said) == SampleKind::kAcceptable)
        return sequence;
    }
    return 0;
  }

  [[nodiscard]] bool settles(const Joined& joined, const Said& said) const {
    const auto settle_ns = std::chrono::nanoseconds(cell_.settle).count();
    if (settle_ns == 0 || published_ns_ == 0 || joined.sent_ns >= published_ns_ + settle_ns) return false;
    const auto kind = classifier_.classify(joined, said);
    return kind != SampleKind::kAcceptable && kind != SampleKind::kToolError;
  }

  void add_sample(const Joined& joined, ProbeId id, const Said& said, bool fixed) {
    const auto outcome = static_cast<Outcome>(joined.outcome);
    const auto kind = classifier_.classify(joined, said);
    count_outcome(result_.outcomes, outcome);
    count_kind(kind, id);
    if (outcome == Outcome::kReplied && !said.something()) add_reply(joined, kind, fixed);
    if (outcome == Outcome::kReplied && said.something()) add_answer(joined, said);
    if (outcome == Outcome::kRefused) count_refusal(result_, joined);
    result_.strangers += joined.stranger;
    if (joined.sighted_by != 0) add_arrival(joined, outcome, fixed);
    if (kind != SampleKind::kToolError) add_time(joined, kind);
  }

  void add_time(const Joined& joined, SampleKind kind) {
    const bool right = kind == SampleKind::kAcceptable;
    const auto since_ns = cell_.changed_ns != 0 ? cell_.changed_ns : published_ns_;
    if (cell_.rule == plan::CellRule::kFollow) follow(result_.follow, joined, right, since_ns, cell_.changed_ns != 0);
    if (cell_.rule == plan::CellRule::kGap && !right) count_gap(result_.follow, joined, since_ns);
    if (cell_.rule == plan::CellRule::kLeave && kind == SampleKind::kWrongEndpoint)
      follow(result_.follow, joined, false, since_ns, true);
  }

  // Who answered is what connection tracking says. A UDP flow that it saw go to an endpoint needs no answer.
  void add_foreign(const Joined& joined, ProbeId id, const ProbeTask& task, const Translation* translation) {
    const auto outcome = static_cast<Outcome>(joined.outcome);
    const auto endpoint = endpoint_of(task, translation);
    count_outcome(result_.outcomes, outcome);
    if (outcome == Outcome::kRefused) count_refusal(result_, joined);
    if (outcome == Outcome::kReplied) result_.round_trip.add(joined.round_trip_ns);
    auto as_reply = joined;
    as_reply.outcome = static_cast<std::uint8_t>(Outcome::kReplied);
    as_reply.responder = endpoint ? responders_.find(cell_.flow.protocol, *endpoint) : 0;
    if (translation != nullptr) as_reply.peer = translation->source.address;
    const bool came = outcome == Outcome::kReplied;
    const bool silent = outcome == Outcome::kTimedOut;
    const bool delivered = came || (silent && cell_.flow.protocol == Protocol::kUdp);
    auto kind = classifier_.classify(joined);
    if (delivered && endpoint) kind = kind_of_reply(as_reply, translation != nullptr);
    if (delivered && !endpoint && cell_.expectation.outcomes.replied) kind = SampleKind::kAcceptable;
    count_kind(kind, id);
    if (delivered && !endpoint) ++result_.foreign.unseen;
    if (!endpoint || !(came || silent)) return;
    if (as_reply.responder == 0) count_elsewhere(*endpoint);
    if (delivered && as_reply.responder != 0) add_foreign_reply(as_reply, kind, translation != nullptr);
    if (delivered) return;
    ++result_.foreign.sent_on;
    if (as_reply.responder == 0) return;
    count_responder(result_.arrived_at, as_reply.responder, classifier_.is_acceptable(as_reply.responder), false);
  }

  void add_foreign_reply(const Joined& joined, SampleKind kind, bool source_known) {
    const bool acceptable = classifier_.is_acceptable(joined.responder);
    count_responder(result_.responders, joined.responder, acceptable, false);
    if (acceptable && source_known) count_source(result_, result_.sources, joined.peer);
    if (kind == SampleKind::kWrongSource) count_source(result_, result_.wrong_sources, joined.peer);
  }

  [[nodiscard]] SampleKind kind_of_reply(const Joined& reply, bool source_known) const {
    if (source_known || !cell_.expectation.outcomes.replied) return classifier_.classify(reply);
    return classifier_.is_acceptable(reply.responder) ? SampleKind::kAcceptable : SampleKind::kWrongEndpoint;
  }

  // Nullopt where it is not known. An endpoint that was asked for by its own address needs no translation.
  [[nodiscard]] std::optional<SocketAddress> endpoint_of(const ProbeTask& task, const Translation* translation) const {
    const bool straight = cell_.flow.entry.kind == EntryKind::kPodIp;
    if (translation == nullptr) return straight ? std::optional(task.target) : std::nullopt;
    if (translation->destination == task.target && !straight) return std::nullopt;
    return translation->destination;
  }

  void count_elsewhere(const SocketAddress& address) {
    auto& list = result_.foreign.elsewhere;
    auto found = std::ranges::find(list, address, &ElsewhereCount::address);
    const bool fresh = found == list.end();
    if (fresh && list.size() == kMaxListed) return void(++result_.foreign.elsewhere_beyond);
    if (fresh) found = list.insert(list.end(), {address, 0});
    ++found->count;
  }

  void count_kind(SampleKind kind, ProbeId id) {
    const auto index = static_cast<std::size_t>(kind);
    ++result_.kinds[index];
    if (result_.examples[index].size() < kMaxExamples) result_.examples[index].push_back(id);
  }

  void add_reply(const Joined& joined, SampleKind kind, bool fixed) {
    const bool acceptable = classifier_.is_acceptable(joined.responder);
    count_responder(result_.responders, joined.responder, acceptable, fixed);
    result_.round_trip.add(joined.round_trip_ns);
    if (acceptable) count_source(result_, result_.sources, joined.peer);
    if (kind == SampleKind::kWrongSource) count_source(result_, result_.wrong_sources, joined.peer);
  }

  void add_answer(const Joined& joined, const Said& said) {
    if (said.http != nullptr)
      count_answer(result_.http, result_.http_beyond, *said.http, classifier_.answer_fits(*said.http));
    if (said.name != nullptr)
      count_answer(result_.lookups, result_.lookups_beyond, *said.name, classifier_.answer_fits(*said.name));
    result_.round_trip.add(joined.round_trip_ns);
  }

  void add_arrival(const Joined& joined, Outcome outcome, bool fixed) {
    if (outcome == Outcome::kTimedOut) ++result_.arrived_silent;
    if (outcome == Outcome::kRefused) ++result_.arrived_refused;
    if (outcome != Outcome::kTimedOut && outcome != Outcome::kRefused) return;
    count_responder(result_.arrived_at, joined.sighted_by, classifier_.may_arrive(joined.sighted_by), fixed);
  }

  const plan::Cell& cell_;
  const ResponderIndex& responders_;
  Classifier classifier_;
  std::int64_t published_ns_;
  CellObservation result_;
};

std::uint32_t first_answer(const plan::Cell& cell, const SampleTable& samples) {
  for (const auto* tasks : {&cell.earlier, &cell.tasks}) {
    for (const auto task : *tasks) {
      for (const auto& joined : samples.of_task(task)) {
        if (joined.outcome == static_cast<std::uint8_t>(Outcome::kReplied)) return joined.responder;
      }
    }
  }
  return 0;
}

struct Span {
  std::int64_t first_ns = 0, last_ns = 0;
};

// Of what is known of a task's probes; none where none was sent.
std::optional<Span> sent_in(std::uint32_t task, const SampleTable& samples) {
  std::optional<Span> span;
  for (const auto& joined : samples.of_task(task)) {
    if (joined.outcome == 0 || joined.outcome == static_cast<std::uint8_t>(Outcome::kToolError)) continue;
    if (!span) span = Span{joined.sent_ns, joined.sent_ns};
    span->first_ns = std::min(span->first_ns, joined.sent_ns);
    span->last_ns = std::max(span->last_ns, joined.sent_ns);
  }
  return span;
}

std::optional<Interlude> interlude(const plan::Cell& cell, const SampleTable& samples) {
  if (cell.earlier.empty() || cell.tasks.empty()) return std::nullopt;
  const auto before = sent_in(cell.earlier.back(), samples);
  const auto now = sent_in(cell.tasks.front(), samples);
  if (!before || !now) return std::nullopt;
  return Interlude{before->last_ns - before->first_ns, now->first_ns - before->last_ns};
}

bool control_holds(const plan::Control& control, const Joined& joined) {
  if (control.positive) {
    return joined.outcome == static_cast<std::uint8_t>(Outcome::kReplied) && joined.responder == control.responder;
  }
  return joined.outcome == static_cast<std::uint8_t>(Outcome::kRefused);
}

// Any answer is the endpoint's, as nothing lies in between, unless connection tracking says that something does.
bool foreign_control_holds(const plan::Control& control, const Joined& joined, const ProbeTask& task,
                           const Translation* translation) {
  if (translation != nullptr && translation->destination != task.target) return false;
  const auto outcome = static_cast<Outcome>(joined.outcome);
  const bool udp = protocol_of(task.method) == Protocol::kUdp;
  return control.positive && (outcome == Outcome::kReplied || (udp && outcome == Outcome::kTimedOut));
}

ControlObservation fold_control(const plan::Control& control, const SampleTable& samples,
                                const std::vector<const ProbeTask*>& tasks) {
  ControlObservation result;
  for (const auto task : control.tasks) {
    std::uint32_t sequence = 0;
    for (const auto& joined : samples.of_task(task)) {
      const auto id = probe_id(task, sequence++);
      ++result.planned;
      if (joined.outcome == 0) continue;
      ++result.received;
      count_outcome(result.outcomes, static_cast<Outcome>(joined.outcome));
      const bool holds = control.foreign
                             ? foreign_control_holds(control, joined, *tasks.at(task), samples.translation(id))
                             : control_holds(control, joined);
      if (holds) ++result.right;
    }
    if (result.first_error.empty()) result.first_error = samples.first_error(task);
  }
  return result;
}

// Task ids are unique in the run and dense, so a vector finds them.
std::vector<const ProbeTask*> index_tasks(const plan::Plan& plan) {
  std::vector<const ProbeTask*> tasks;
  const auto put = [&tasks](const plan::PlannedTask& planned) {
    if (planned.task.id >= tasks.size()) tasks.resize(std::size_t{planned.task.id} + 1);
    tasks[planned.task.id] = &planned.task;
  };
  for (const auto& stage : plan.stages) {
    std::for_each(stage.follow_tasks.begin(), stage.follow_tasks.end(), put);
    std::for_each(stage.tasks.begin(), stage.tasks.end(), put);
  }
  return tasks;
}

}  // namespace

Observations fold(const plan::Plan& plan, const SampleTable& samples, const RunFacts& facts) {
  const ResponderIndex responders(plan);
  const auto tasks = index_tasks(plan);
  Observations result;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const auto published_ns = i < facts.stages.size() ? facts.stages[i].published_ns : 0;
    auto& observed = result.stages.emplace_back();
    for (const auto& cell : plan.stages[i].cells) {
      CellFolder folder(cell, responders, published_ns);
      if (cell.rule == plan::CellRule::kKept) folder.keep_to(first_answer(cell, samples));
      for (const auto task : cell.tasks) {
        if (task < tasks.size() && tasks[task] != nullptr) folder.add_task(*tasks[task], samples);
      }
      observed.cells.push_back(std::move(folder).finish());
      observed.cells.back().interlude = interlude(cell, samples);
    }
    for (const auto& control : plan.stages[i].controls)
      observed.controls.push_back(fold_control(control, samples, tasks));
  }
  result.foreign = samples.foreign();
  result.duplicates = samples.duplicates();
  return result;
}

}  // namespace conntruth::matrix
