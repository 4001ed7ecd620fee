#include "controller/matrix/classify.hpp"

#include <algorithm>

namespace conntruth::matrix {

namespace {

std::size_t index_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return 0;
    case Protocol::kUdp:
      return 1;
    case Protocol::kSctp:
      return 2;
  }
  return 0;
}

}  // namespace

std::string_view to_string(SampleKind kind) {
  switch (kind) {
    case SampleKind::kAcceptable:
      return "acceptable";
    case SampleKind::kReplyUnexpected:
      return "reply-unexpected";
    case SampleKind::kRefusalUnexpected:
      return "refusal-unexpected";
    case SampleKind::kSilenceUnexpected:
      return "silence-unexpected";
    case SampleKind::kWrongEndpoint:
      return "wrong-endpoint";
    case SampleKind::kWrongSource:
      return "wrong-source";
    case SampleKind::kToolError:
      return "tool-error";
    case SampleKind::kWrongAnswer:
      return "wrong-answer";
  }
  return "?";
}

ResponderIndex::ResponderIndex(const plan::Plan& plan) {
  for (const auto& planned : plan.responders) {
    auto& responders = by_protocol_[index_of(planned.spec.protocol)];
    for (const auto& address : planned.addresses)
      responders.emplace(SocketAddress{address, planned.spec.port}, planned.spec.id);
  }
}

std::uint32_t ResponderIndex::find(Protocol protocol, const SocketAddress& endpoint) const {
  const auto& responders = by_protocol_[index_of(protocol)];
  const auto found = responders.find(endpoint);
  return found == responders.end() ? 0 : found->second;
}

Classifier::Classifier(const plan::Cell& cell, const ResponderIndex& responders) : cell_(&cell) {
  for (const auto& endpoint : cell.expectation.endpoints) {
    const auto responder = responders.find(cell.flow.protocol, endpoint);
    acceptable_.push_back(responder);
    if (cell.flow.vantage.kind == VantageKind::kPod && endpoint.address == cell.flow.vantage.source) {
      own_.push_back(responder);
    }
  }
  for (const auto& endpoint : cell.expectation.unanswered_at) {
    unanswered_at_.push_back(responders.find(cell.flow.protocol, endpoint));
  }
}

bool Classifier::may_arrive(std::uint32_t responder) const {
  const auto& allowed = cell_->expectation.unanswered_at.empty() ? acceptable_ : unanswered_at_;
  return responder != 0 && std::find(allowed.begin(), allowed.end(), responder) != allowed.end();
}

void Classifier::only(std::uint32_t responder) {
  std::ranges::replace_if(acceptable_, [&](std::uint32_t each) { return each != responder; }, 0U);
}

bool Classifier::is_acceptable(std::uint32_t responder) const {
  return responder != 0 && std::find(acceptable_.begin(), acceptable_.end(), responder) != acceptable_.end();
}

bool Classifier::source_fits(const Joined& replied) const {
  const auto& expectation = cell_->expectation;
  if (expectation.source == SourceRule::kAny) return true;
  // A pod that reaches itself through its Service must not see its own address, or it would answer itself directly.
  if (std::ranges::find(own_, replied.responder) != own_.end()) return replied.peer != cell_->flow.vantage.source;
  const auto& allowed = expectation.source_addresses;
  return std::find(allowed.begin(), allowed.end(), replied.peer) != allowed.end();
}

bool Classifier::answer_fits(const HttpAnswer& answer) const {
  const auto& wanted = cell_->expectation.http;
  if (!wanted) return cell_->expectation.outcomes.replied;
  return answer.status == wanted->status &&
         (!wanted->local_endpoints || answer.local_endpoints == wanted->local_endpoints) &&
         (wanted->service.empty() || answer.service == wanted->service);
}

bool Classifier::answer_fits(const NameAnswer& answer) const {
  const auto& wanted = cell_->expectation.name;
  return wanted ? answer == *wanted : cell_->expectation.outcomes.replied;
}

SampleKind Classifier::classify(const Joined& joined, const Said& said) const {
  const auto& outcomes = cell_->expectation.outcomes;
  switch (static_cast<Outcome>(joined.outcome)) {
    case Outcome::kReplied:
      if (!outcomes.replied) return SampleKind::kReplyUnexpected;
      if (said.http != nullptr) return answer_fits(*said.http) ? SampleKind::kAcceptable : SampleKind::kWrongAnswer;
      if (said.name != nullptr) return answer_fits(*said.name) ? SampleKind::kAcceptable : SampleKind::kWrongAnswer;
      if (!is_acceptable(joined.responder)) return SampleKind::kWrongEndpoint;
      return source_fits(joined) ? SampleKind::kAcceptable : SampleKind::kWrongSource;
    case Outcome::kRefused:
      return outcomes.refused ? SampleKind::kAcceptable : SampleKind::kRefusalUnexpected;
    case Outcome::kTimedOut:
      // An opened connection is an answer. Where one is due, the endpoint's own kernel may have opened it and the data
      // been lost, so it stays a flow without an answer.
      if (joined.stranger != 0 && !outcomes.replied) return SampleKind::kReplyUnexpected;
      return outcomes.timed_out ? SampleKind::kAcceptable : SampleKind::kSilenceUnexpected;
    case Outcome::kToolError:
      return SampleKind::kToolError;
  }
  return SampleKind::kToolError;
}

}  // namespace conntruth::matrix
