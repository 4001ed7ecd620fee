#include "controller/bundle/bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/compress/compress.hpp"
#include "common/world/world_reader.hpp"
#include "controller/bundle/collect.hpp"
#include "controller/bundle/samples.hpp"
#include "controller/plan/selection.hpp"
#include "controller/report/evidence_json.hpp"

namespace conntruth::bundle {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

// A name that every file system takes: "7-clusterip_steady_node-2_cluste".
constexpr std::size_t kMostSlug = 32;
std::string slug(std::size_t number, std::string_view name) {
  auto result = fmt::format("{}-{}", number, name.substr(0, kMostSlug));
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  std::ranges::replace_if(result, [&](char c) { return !plain(c); }, '_');
  return result;
}

class Writer {
 public:
  Writer(const report::Report& report, const plan::Plan& plan, const Records& records, Sink& sink)
      : report_(report), plan_(plan), records_(records), sink_(sink) {}

  [[nodiscard]] Result<Written> write() {
    if (auto status = write_parts(); !status) return std::unexpected(status.error());
    for (const auto& line : report_.evidence_notes) written_.missing.push_back("evidence: " + line);
    for (const auto& [agent, error, losses] : report_.agents) {
      for (const auto& loss : losses)
        written_.missing.push_back(fmt::format("{} lost {} {}", agent, loss.count, loss.name));
    }
    if (!report_.ended_early.empty()) written_.missing.push_back("the run ended early: " + report_.ended_early);
    if (auto status = add("index.json", text_of(index()), "this list, for programs"); !status)
      return std::unexpected(status.error());
    if (auto status = sink_.add("README.txt", readme()); !status) return std::unexpected(status.error());
    if (auto status = sink_.finish(); !status) return std::unexpected(status.error());
    written_.files = files_.size() + 1;
    return std::move(written_);
  }

 private:
  [[nodiscard]] Status write_parts() {
    if (auto status = add("report.json", report::to_json(report_), "the whole run's report"); !status) return status;
    std::set<std::size_t> stages;
    for (const auto& [id, cell] : records_.cells) stages.insert(cell.stage);
    for (const auto stage : stages) {
      if (auto status = write_stage(stage); !status) return status;
    }
    for (const auto& cell : report_.cells) {
      const auto known = records_.cells.find(cell.id);
      if (known == records_.cells.end()) continue;
      if (auto status = write_cell(cell, known->second); !status) return status;
    }
    return {};
  }

  [[nodiscard]] Status add(const std::string& path, const std::string& bytes, std::string what) {
    files_.push_back({{"path", path}, {"bytes", bytes.size()}, {"what", std::move(what)}});
    return sink_.add(path, bytes);
  }

  [[nodiscard]] static std::string world_path(std::size_t stage) { return fmt::format("worlds/stage-{}.json", stage); }

  [[nodiscard]] Status write_stage(std::size_t stage) {
    if (auto status = add(world_path(stage), world::write_world(plan_.stages[stage].world),
                          fmt::format("Services, EndpointSlices and Nodes of stage {}", stage));
        !status)
      return status;
    std::set<std::string> nodes;
    for (const auto& [id, cell] : records_.cells) {
      if (cell.stage == stage) nodes.insert(cell.nodes.begin(), cell.nodes.end());
    }
    for (const auto& node : nodes) {
      if (auto status = write_rulesets(stage, node); !status) return status;
    }
    return {};
  }

  [[nodiscard]] Status write_rulesets(std::size_t stage, const std::string& node) {
    auto each = records_.rulesets.lower_bound({stage, node, ""});
    const auto is_node_s = [&] {
      return each != records_.rulesets.end() && std::get<0>(each->first) == stage && std::get<1>(each->first) == node;
    };
    if (!is_node_s()) written_.missing.push_back(fmt::format("stage {}: {} told none of its rules", stage, node));
    for (; is_node_s(); ++each) {
      if (auto status = write_ruleset(stage, node, each->second); !status) return status;
    }
    return {};
  }

  [[nodiscard]] Status write_ruleset(std::size_t stage, const std::string& node, const Ruleset& ruleset) {
    const auto where = ruleset.place.empty() ? node : fmt::format("pod {} on {}", ruleset.place, node);
    const auto miss = [&](const std::string& why) {
      written_.missing.push_back(fmt::format("stage {}: rules of {}: {}", stage, where, why));
    };
    if (!ruleset.error.empty()) miss(ruleset.error);
    if (ruleset.text_bytes == 0 || ruleset.text_zstd.empty()) {
      if (ruleset.error.empty()) miss("it has none");
      return {};
    }
    const auto text = decompress(ruleset.text_zstd, kMaxRulesetText);
    if (!text) {
      miss(text.error().message);
      return {};
    }
    if (text->size() < ruleset.text_bytes)
      miss(fmt::format("cut after {} of {} bytes", text->size(), ruleset.text_bytes));
    const auto name = ruleset.place.empty() ? node : node + "+" + ruleset.place;
    const auto path = fmt::format("rulesets/stage-{}/{}.nft", stage, slug_of_node(name));
    paths_[{stage, node}].push_back(path);
    return add(path, *text,
               fmt::format("`nft -a list ruleset` of {} when witnesses of stage {} had been sent", where, stage));
  }

  // Names of nodes and pods are DNS names, of which an archive's path has no room for the longest.
  [[nodiscard]] std::string slug_of_node(const std::string& name) {
    constexpr std::size_t kMost = 40;
    if (name.size() <= kMost) return name;
    return fmt::format("{}-{}", name.substr(0, kMost), ++shortened_);
  }

  [[nodiscard]] Status write_cell(const report::ReportCell& cell, const CellRecords& records) {
    const auto folder = "cells/" + slug(++written_.cells, cell.id);
    const auto words = report::explain(report_, cell.id);
    if (!words) return std::unexpected(words.error());
    const auto json = Json::parse(report::to_json(cell));
    const auto entries = entries_of(records);
    const auto begin_ns = begin_of(records);
    if (auto status = add(folder + "/explain.txt", *words, cell.id + ": in words"); !status) return status;
    if (auto status = add(folder + "/cell.json", text_of(json), cell.id + ": as in the report"); !status) return status;
    if (auto status = add(folder + "/samples.csv", std::string(sample_columns()) + records.samples,
                          fmt::format("{}: its {} probes", cell.id, records.sample_count));
        !status)
      return status;
    if (!entries.empty()) {
      const auto list = Json::parse(report::entries_to_json(entries, begin_ns));
      if (auto status = add(folder + "/conntrack.json", text_of(list),
                            cell.id + ": its witnesses' entries of connection tracking; times since the first packet");
          !status)
        return status;
    } else {
      written_.missing.push_back(cell.id + ": no entry of connection tracking was seen");
    }
    if (auto status = write_packets(folder, cell.id, records); !status) return status;
    cells_.push_back(index_of(cell, records, folder));
    return {};
  }

  [[nodiscard]] Status write_packets(const std::string& folder, const std::string& id, const CellRecords& records) {
    const auto packets =
        std::ranges::count_if(records.steps, [](const auto& step) { return !step.hop.packet.empty(); });
    if (packets == 0) {
      written_.missing.push_back(id + ": no packet of its witnesses was seen at a device");
      return {};
    }
    const auto offsets = records_.offsets(records.stage);
    for (const auto& node : records.nodes) {
      if (!offsets.contains(node)) written_.missing.push_back(fmt::format("{}: packets of {} have no date", id, node));
    }
    if (records.steps_left_out > 0)
      written_.missing.push_back(fmt::format("{}: {} more packets are left out", id, records.steps_left_out));
    return add(folder + "/packets.pcapng", to_pcapng(records.steps, offsets),
               fmt::format("{}: {} packets of its witnesses, for tcpdump and Wireshark", id, packets));
  }

  [[nodiscard]] std::vector<evidence::FollowedEntry> entries_of(const CellRecords& records) const {
    const auto found = records_.entries.find(records.stage);
    return found == records_.entries.end() ? std::vector<evidence::FollowedEntry>() : found->second.of(records.steps);
  }

  [[nodiscard]] static std::int64_t begin_of(const CellRecords& records) {
    std::int64_t begin = records.steps.empty() ? 0 : INT64_MAX;
    for (const auto& step : records.steps) begin = std::min(begin, step.hop.at_ns);
    return begin;
  }

  [[nodiscard]] Json index_of(const report::ReportCell& cell, const CellRecords& records,
                              const std::string& folder) const {
    Json rulesets = Json::array();
    for (const auto& node : records.nodes) {
      const auto found = paths_.find({records.stage, node});
      if (found == paths_.end()) continue;
      for (const auto& path : found->second) rulesets.push_back(path);
    }
    return {{"id", cell.id},
            {"verdict", to_string(cell.verdict.verdict)},
            {"cause", cell.evidence ? std::string(to_string(cell.evidence->cause.code)) : ""},
            {"text", cell.evidence ? cell.evidence->cause.text : ""},
            {"stage", records.stage},
            {"folder", folder},
            {"world", world_path(records.stage)},
            {"rulesets", std::move(rulesets)}};
  }

  [[nodiscard]] Json index() const {
    Json facts = Json::object();
    for (const auto& [name, value] : report_.run.facts) facts[name] = value;
    return {{"run", report_.run.id},
            {"facts", std::move(facts)},
            {"cells", cells_},
            {"missing", written_.missing},
            {"files", files_}};
  }

  [[nodiscard]] std::string readme() const {
    std::string text =
        fmt::format("Evidence of {} cells of run {}, put together by conntruth.\n\n", written_.cells, report_.run.id);
    for (const auto& [name, value] : report_.run.facts) text += fmt::format("{}: {}\n", name, value);
    text +=
        "\nA witness is a probe of the same flow, sent again right after the cell's own ones, while the kernels of "
        "all\n"
        "nodes were asked what they do to it. packets.pcapng has each witness at every device that it came by, from "
        "the\n"
        "IP header on (`tcpdump -nr FILE`); checksums may be left to a device that is to fill them in. Rulesets are "
        "as\n"
        "they stood right after the witnesses; where a cell's rule has a handle, it is the one in these files.\n";
    text += "\nCells\n";
    for (const auto& cell : cells_) {
      text += fmt::format("  {}\n    {} {}{}\n    {}\n    {}\n", cell.at("id").get<std::string>(),
                          cell.at("verdict").get<std::string>(), cell.at("cause").get<std::string>(),
                          cell.at("text").get<std::string>().empty() ? "" : ": " + cell.at("text").get<std::string>(),
                          cell.at("folder").get<std::string>(), cell.at("world").get<std::string>());
      for (const auto& path : cell.at("rulesets")) text += fmt::format("    {}\n", path.get<std::string>());
    }
    text += "\nFiles\n";
    for (const auto& file : files_)
      text += fmt::format("  {}  ({} bytes)\n    {}\n", file.at("path").get<std::string>(),
                          file.at("bytes").get<std::uint64_t>(), file.at("what").get<std::string>());
    text += written_.missing.empty() ? "\nNothing is missing.\n" : "\nMissing, or lost\n";
    for (const auto& line : written_.missing) text += "  " + line + "\n";
    return text;
  }

  const report::Report& report_;
  const plan::Plan& plan_;
  const Records& records_;
  Sink& sink_;
  Written written_;
  std::vector<Json> files_;
  std::vector<Json> cells_;
  std::map<std::pair<std::size_t, std::string>, std::vector<std::string>> paths_;  // of rulesets, by stage and node
  std::size_t shortened_ = 0;
};

}  // namespace

Result<std::set<std::string>> choose_cells(const report::Report& report, const std::vector<std::string>& globs) {
  std::set<std::string> chosen;
  for (const auto& cell : report.cells) {
    if (globs.empty() && cell.verdict.verdict == judge::Verdict::kFail) chosen.insert(cell.id);
  }
  for (const auto& glob : globs) {
    const auto before = chosen.size();
    for (const auto& cell : report.cells) {
      if (cell.planned && (cell.id == glob || plan::glob_matches(glob, cell.id))) chosen.insert(cell.id);
    }
    const bool named =
        std::ranges::any_of(chosen, [&](const auto& id) { return id == glob || plan::glob_matches(glob, id); });
    if (chosen.size() == before && !named)
      return fail(
          ErrorCode::kNotFound,
          fmt::format("the run has no cell {}; `conntruth matrix {} -o json` lists all ids", glob, report.run.id));
  }
  return chosen;
}

Result<Written> write_bundle(const store::RunStore& runs, const report::Report& report, const plan::Plan& plan,
                             const std::set<std::string>& cells, Sink& sink) {
  const auto records = collect(runs, report.run.id, plan, cells);
  if (!records) return std::unexpected(records.error());
  return Writer(report, plan, *records, sink).write();
}

}  // namespace conntruth::bundle
