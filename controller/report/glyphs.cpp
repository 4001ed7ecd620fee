#include "controller/report/glyphs.hpp"

#include <algorithm>

namespace conntruth::report {

namespace {

using judge::ReasonCode;

char of_reason(ReasonCode code) {
  switch (code) {
    case ReasonCode::kSilent:
    case ReasonCode::kLost:
    case ReasonCode::kReplyLost:
    case ReasonCode::kSilentNotRefused:
      return 't';
    case ReasonCode::kRefusedNotReplied:
    case ReasonCode::kRefusedNotSilent:
    case ReasonCode::kConnectionReset:
      return 'r';
    case ReasonCode::kRepliedNotRefused:
    case ReasonCode::kRepliedNotSilent:
    case ReasonCode::kAsExpected:
      return '.';
    case ReasonCode::kLeaked:
    case ReasonCode::kWrongEndpoint:
    case ReasonCode::kStaleFlow:
    case ReasonCode::kConnectionMoved:
      return 'w';
    case ReasonCode::kSourceRewritten:
    case ReasonCode::kSourceNotRewritten:
    case ReasonCode::kWrongSource:
      return 's';
    case ReasonCode::kWrongStatus:
    case ReasonCode::kWrongCount:
    case ReasonCode::kWrongService:
    case ReasonCode::kWrongName:
      return 'h';
    case ReasonCode::kMissingEndpoint:
    case ReasonCode::kUnevenSpread:
    case ReasonCode::kNotSticky:
    case ReasonCode::kNotRotated:
      return 'u';
    case ReasonCode::kNeverFollowed:
    case ReasonCode::kFollowedLate:
    case ReasonCode::kLeftLate:
    case ReasonCode::kNothingToFollow:
      return 'l';
    case ReasonCode::kGap:
      return 't';
    case ReasonCode::kControlFailed:
    case ReasonCode::kFlowForgotten:
    case ReasonCode::kWorldChanged:
    case ReasonCode::kControlMissing:
    case ReasonCode::kNotSeen:
      return '?';
    case ReasonCode::kToolError:
    case ReasonCode::kMissingSamples:
    case ReasonCode::kNoSamples:
      return 'e';
    case ReasonCode::kNotScored:
    case ReasonCode::kNotRunnable:
    case ReasonCode::kRunEnded:
    case ReasonCode::kAgentLost:
      return '-';
  }
  return '-';
}

char most_frequent(const matrix::OutcomeCounts& outcomes) {
  if (outcomes.total() == 0) return '-';
  if (outcomes.replied >= outcomes.refused && outcomes.replied >= outcomes.timed_out) return '.';
  return outcomes.refused >= outcomes.timed_out ? 'r' : 't';
}

}  // namespace

char expected_glyph(const OutcomeSet& outcomes) {
  if (int{outcomes.replied} + int{outcomes.refused} + int{outcomes.timed_out} > 1) return '/';
  if (outcomes.replied) return '.';
  if (outcomes.refused) return 'r';
  return outcomes.timed_out ? 't' : '-';
}

char observed_glyph(const judge::CellVerdict& verdict, const matrix::OutcomeCounts& outcomes) {
  switch (verdict.verdict) {
    case judge::Verdict::kFail:
      return of_reason(verdict.reason().code);
    case judge::Verdict::kError:
      return 'e';
    case judge::Verdict::kNotRun:
      return '-';
    case judge::Verdict::kPass:
    case judge::Verdict::kInvalid:
    case judge::Verdict::kRecorded:
      return most_frequent(outcomes);
  }
  return '-';
}

char comparison_glyph(judge::Verdict verdict) {
  switch (verdict) {
    case judge::Verdict::kPass:
      return '.';
    case judge::Verdict::kFail:
      return 'X';
    case judge::Verdict::kInvalid:
      return '?';
    case judge::Verdict::kError:
      return 'e';
    case judge::Verdict::kRecorded:
      return '~';
    case judge::Verdict::kNotRun:
      return '-';
  }
  return '-';
}

namespace {

std::string word_of(std::uint16_t status, const std::optional<std::uint64_t>& local) {
  return std::to_string(status) + (local ? "/" + std::to_string(*local) : "");
}

}  // namespace

std::string http_word(const Expectation& expectation) {
  return expectation.http ? word_of(expectation.http->status, expectation.http->local_endpoints) : "";
}

std::string http_word(const matrix::CellObservation& seen) {
  const auto most = std::ranges::max_element(seen.http, {}, &matrix::HttpCount::count);
  if (most == seen.http.end() || most->count * 2 < seen.received) return {};
  return word_of(most->answer.status, most->answer.local_endpoints);
}

bool glyph_fits(const OutcomeSet& outcomes, char observed) {
  switch (observed) {
    case '.':
      return outcomes.replied;
    case 'r':
      return outcomes.refused;
    case 't':
      return outcomes.timed_out;
    default:
      return false;
  }
}

}  // namespace conntruth::report
