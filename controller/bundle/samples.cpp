#include "controller/bundle/samples.hpp"

#include <fmt/format.h>

namespace conntruth::bundle {

namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of("\",\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char each : text) result += each == '"' ? std::string("\"\"") : std::string(1, each);
  return result + '"';
}

std::string refusal_of(const Sample& sample) {
  if (sample.outcome != Outcome::kRefused) return "";
  const auto& refusal = sample.refusal;
  switch (refusal.kind) {
    case RefusalKind::kNone:
      return "";
    case RefusalKind::kIcmp:
      return fmt::format("ICMP {}/{} from {}", refusal.icmp_type, refusal.icmp_code, refusal.from.to_string());
    case RefusalKind::kReset:
      return "RST from " + refusal.from.to_string();
    case RefusalKind::kAbort:
      return "ABORT from " + refusal.from.to_string();
  }
  return "?";
}

std::string answer_of(const Sample& sample) {
  if (sample.http) return fmt::format("HTTP {}", sample.http->status);
  return sample.name ? to_string(*sample.name) : "";
}

}  // namespace

std::string_view sample_columns() {
  return "probe,agent,witness,sent_ns,outcome,round_trip_ns,source_port,responder,answered_at,seen_source,refusal,"
         "answer,"
         "error\n";
}

std::string sample_line(const std::string& agent, const Sample& sample, bool witness) {
  const bool replied = sample.outcome == Outcome::kReplied;
  const bool identified = replied && sample.responder != 0;
  const bool came_back = replied || sample.outcome == Outcome::kRefused;
  return fmt::format("{}/{},{},{},{},{},{},{},{},{},{},{},{},{}\n", task_of(sample.id), sequence_of(sample.id),
                     quoted(agent), witness ? "yes" : "no", sample.sent_ns, to_string(sample.outcome),
                     came_back ? std::to_string(sample.round_trip_ns) : "", sample.source_port,
                     identified ? std::to_string(sample.responder) : "",
                     identified ? sample.seen_destination.to_string() : "",
                     identified ? sample.seen_source.to_string() : "", refusal_of(sample), quoted(answer_of(sample)),
                     quoted(sample.error));
}

}  // namespace conntruth::bundle
