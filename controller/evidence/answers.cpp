#include "controller/evidence/answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace conntruth::evidence {

namespace {

std::string said(const HttpAnswer& answer) {
  const HttpExpectation words{answer.status, answer.local_endpoints, {}};
  return to_string(words) + (answer.service.empty() ? "" : " of " + answer.service);
}

std::string wrong_answers(const matrix::CellObservation& seen) {
  std::vector<std::string> words;
  for (const auto& each : seen.http) {
    if (!each.acceptable) words.push_back(fmt::format("{} in {}", said(each.answer), each.count));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string wanted(const Expectation& expectation) {
  if (!expectation.http) return "which had to be closed";
  const auto& last = expectation.rules;
  return fmt::format("expected {}{}{}", to_string(*expectation.http),
                     expectation.http->service.empty() ? "" : " of " + expectation.http->service,
                     last.empty() ? "" : ": " + last.back().text);
}

// What a node does to a packet, whatever the server is.
constexpr std::array kOfNodes = {CauseCode::kDroppedByRule, CauseCode::kRefusedByRule, CauseCode::kUntracked,
                                 CauseCode::kInvalid,       CauseCode::kNoRoute,       CauseCode::kNeighbourFailed,
                                 CauseCode::kNoEvidence};

// Where a node takes the packet for itself.
const Step* taken_in(const Walk& walk, const SocketAddress& target) {
  const auto there = steps_of(walk, Way::kThere);
  const auto found = std::find_if(there.rbegin(), there.rend(), [&](const Step* step) {
    return step->hop.kind == HopKind::kHook && step->hop.hook == NetfilterHook::kInput && step->hop.place.empty() &&
           step->hop.destination == target;
  });
  return found == there.rend() ? nullptr : *found;
}

}  // namespace

bool asks_over_http(const plan::Cell& cell) { return !http_path(cell.flow.entry.kind).empty(); }
bool asks_for_name(const plan::Cell& cell) { return cell.flow.entry.kind == EntryKind::kName; }

Cause find_health_cause(const plan::Cell& cell, const matrix::CellObservation& seen, const Walk& walk) {
  auto cause = find_cause(cell, walk);
  const bool answered = walk.sample.outcome == Outcome::kReplied && !wrong_answers(seen).empty();
  if (cause.code != CauseCode::kUnexplained || !answered) return cause;
  const auto& target = cell.flow.entry.target;
  const auto* own = taken_in(walk, target);
  if (own == nullptr || translation_of(walk, target) != nullptr) return cause;
  return {CauseCode::kHealthAnswerWrong, own->node, std::string(to_string(own->hop.hook)), "",
          fmt::format("{}: asked at {}, it answers itself, and said {}; {}", own->where(), target.to_string(),
                      wrong_answers(seen), wanted(cell.expectation))};
}

std::optional<Cause> find_name_cause(const plan::Cell& cell, const matrix::CellObservation& seen) {
  std::vector<std::string> words;
  for (const auto& each : seen.lookups) {
    if (!each.acceptable) words.push_back(fmt::format("{} in {}", to_string(each.answer), each.count));
  }
  if (words.empty() || !cell.expectation.name) return std::nullopt;
  return Cause{CauseCode::kNameAnswerWrong, "", "", "",
               fmt::format("the DNS server {} said of {}: {}; expected {}", cell.flow.entry.target.to_string(),
                           cell.flow.entry.name, fmt::join(words, ", "), to_string(*cell.expectation.name))};
}

Cause find_silent_server_cause(const plan::Cell& cell, const Walk& walk) {
  auto cause = find_cause(cell, walk);
  if (std::ranges::find(kOfNodes, cause.code) != kOfNodes.end()) return cause;
  return {CauseCode::kUnexplained, "", "", "",
          "the DNS server gave no whole answer, and no node threw a datagram to it away"};
}

}  // namespace conntruth::evidence
