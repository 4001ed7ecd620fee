#include "controller/report/evidence_json.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace conntruth::report {

namespace {

using Json = nlohmann::ordered_json;

// Bytes that are not UTF-8 are replaced, not thrown at.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json conntrack(const HopConntrack& entry) {
  Json result = {{"info", to_string(entry.info)}, {"status", entry.status}, {"zone", entry.zone}, {"mark", entry.mark}};
  if (entry.original_source.address.is_unspecified()) return result;
  result["original"] = {entry.original_source.to_string(), entry.original_destination.to_string()};
  result["reply"] = {entry.reply_source.to_string(), entry.reply_destination.to_string()};
  return result;
}

Json hop_document(const evidence::Step& step, std::int64_t begin_ns) {
  const auto& hop = step.hop;
  Json result = {{"afterNs", hop.at_ns - begin_ns},
                 {"node", step.node},
                 {"place", step.where()},
                 {"way", hop.answer ? "back" : "there"},
                 {"kind", to_string(hop.kind)},
                 {"device", hop.device},
                 {"source", hop.source.to_string()},
                 {"destination", hop.destination.to_string()}};
  if (hop.kind == HopKind::kHook) {
    result["hook"] = to_string(hop.hook);
    result["priority"] = hop.priority;
  }
  if (hop.kind == HopKind::kDropped) {
    result["reason"] = hop.reason;
    result["function"] = hop.function;
  }
  if (hop.kind == HopKind::kIcmpError) result["icmp"] = {hop.icmp_type, hop.icmp_code};
  if (hop.conntrack.info != ConntrackInfo::kNone) result["conntrack"] = conntrack(hop.conntrack);
  return result;
}

Json rule_document(const evidence::MetRule& met) {
  const auto& step = met.step;
  Json result = {{"node", met.node},
                 {"place", met.where()},
                 {"way", step.answer ? "back" : "there"},
                 {"hook", to_string(step.hook)},
                 {"priority", step.priority},
                 {"nat", step.nat},
                 {"event", to_string(step.event)},
                 {"verdict", to_string(step.verdict)},
                 {"table", step.table},
                 {"chain", step.chain},
                 {"mark", step.mark}};
  if (!step.to.empty()) result["to"] = step.to;
  if (step.handle != 0) result["handle"] = step.handle;
  if (!step.text.empty()) result["text"] = step.text;
  return result;
}

Json entry_document(const evidence::FollowedEntry& entry, std::int64_t begin_ns) {
  const auto& life = entry.life;
  Json result = {{"node", entry.node},
                 {"place", entry.where()},
                 {"protocol", to_string(life.protocol)},
                 {"original", {life.original_source.to_string(), life.original_destination.to_string()}},
                 {"reply", {life.reply_source.to_string(), life.reply_destination.to_string()}},
                 {"status", life.status},
                 {"mark", life.mark},
                 {"zone", life.zone},
                 {"timeoutS", life.timeout_s},
                 {"before", life.before},
                 {"after", life.after},
                 {"updates", life.updates},
                 {"end", to_string(life.end)}};
  const auto put_time = [&](const char* name, std::int64_t at_ns) {
    if (at_ns != 0) result[name] = at_ns - begin_ns;
  };
  put_time("createdNs", life.created_ns);
  put_time("updatedNs", life.updated_ns);
  put_time("destroyedNs", life.destroyed_ns);
  if (life.end == EntryEnd::kDeleted)
    result["remover"] = {{"port", life.remover}, {"process", life.remover_name}, {"others", life.others}};
  if (life.gaps) result["gaps"] = true;
  return result;
}

std::int64_t begin_of(const evidence::Walk& walk) { return walk.steps.empty() ? 0 : walk.steps.front().hop.at_ns; }

}  // namespace

std::string entries_to_json(const std::vector<evidence::FollowedEntry>& entries, std::int64_t begin_ns) {
  Json result = Json::array();
  for (const auto& entry : entries) result.push_back(entry_document(entry, begin_ns));
  return text_of(result);
}

std::string cause_to_json(const evidence::Cause& cause) {
  return text_of({{"code", to_string(cause.code)},
                  {"node", cause.node},
                  {"hook", cause.hook},
                  {"rule", cause.rule},
                  {"text", cause.text}});
}

std::string evidence_to_json(const evidence::CellEvidence& evidence) {
  const auto& walked = evidence.walk;
  const auto& probe = walked.sample.id;
  Json walk = Json::array();
  for (const auto& step : walked.steps) walk.push_back(hop_document(step, begin_of(walked)));
  Json met = Json::array();
  for (const auto& rule : walked.rules) met.push_back(rule_document(rule));
  Json entries = Json::array();
  for (const auto& entry : walked.entries) entries.push_back(entry_document(entry, begin_of(walked)));
  return text_of({{"witnesses", evidence.witnesses},
                  {"failed", evidence.failed},
                  {"probe", fmt::format("{}/{}", task_of(probe), sequence_of(probe))},
                  {"walk", std::move(walk)},
                  {"rules", std::move(met)},
                  {"entries", std::move(entries)}});
}

}  // namespace conntruth::report
