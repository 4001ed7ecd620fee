// A bundle of a run that is written by hand: one failed cell with its witness on node-1, and a green one.
#include "controller/bundle/bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "common/compress/compress.hpp"
#include "controller/evidence/witnesses.hpp"
#include "tests/unit/controller/evidence/walks.hpp"

namespace conntruth::bundle {
namespace {

using evidence::kClient;
using evidence::kEndpoint;
using evidence::kEntry;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint32_t kTask = 1, kOther = 2, kWitness = 9;

class MemorySink final : public Sink {
 public:
  Status add(std::string_view path, std::string_view bytes) override {
    if (files.contains(std::string(path))) return fail(ErrorCode::kConflict, "twice: " + std::string(path));
    EXPECT_LE(path.size(), kMostPath) << path;
    files.emplace(path, bytes);
    return {};
  }
  Status finish() override {
    finished = true;
    return {};
  }
  std::map<std::string, std::string> files;
  bool finished = false;
};

report::ReportCell cell(const std::string& id, judge::Verdict verdict) {
  report::ReportCell cell;
  cell.id = id;
  cell.flow = evidence::replied_cell().flow;
  cell.verdict.verdict = verdict;
  cell.verdict.reasons = {{judge::ReasonCode::kSilent, "so many got no answer"}};
  if (verdict == judge::Verdict::kFail) {
    evidence::CellEvidence evidence;
    evidence.cause = {evidence::CauseCode::kDroppedByRule, "node-1", "forward", "drop", "a rule dropped it"};
    cell.evidence = evidence;
  }
  return cell;
}

plan::Cell planned(const std::string& id, std::uint32_t task) {
  auto planned = evidence::replied_cell();
  planned.id = id;
  planned.tasks = {task};
  return planned;
}

Hop hop(HopKind kind, const std::string& packet) {
  Hop hop;
  hop.probe = probe_id(kWitness, 0);
  hop.kind = kind;
  hop.device = "eth0";
  hop.at_ns = 1000;
  hop.source = kClient;
  hop.destination = kEntry;
  hop.packet = packet;
  return hop;
}

EntryLife life() {
  EntryLife life;
  life.original_source = kClient;
  life.original_destination = kEntry;
  life.reply_source = kEndpoint;
  life.reply_destination = kClient;
  return life;
}

Sample sample(std::uint32_t task, std::uint32_t sequence) {
  Sample sample;
  sample.id = probe_id(task, sequence);
  sample.outcome = Outcome::kTimedOut;
  return sample;
}

class BundleOf : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "conntruth-bundle-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    report.run.id = "some-run";
    report.cells = {cell("a/red>cell", judge::Verdict::kFail), cell("b/green", judge::Verdict::kPass)};
    plan.stages.resize(1);
    plan.stages[0].cells = {planned("a/red>cell", kTask), planned("b/green", kOther)};
    plan.stages[0].tasks.resize(2);
    plan.stages[0].tasks[0].agent = plan.stages[0].tasks[1].agent = "node-1";
    plan.stages[0].tasks[0].task.id = kTask;
    plan.stages[0].tasks[1].task.id = kOther;
    batch.sequence = 1;
    batch.samples = {sample(kTask, 0), sample(kTask, 1), sample(kOther, 0), sample(kWitness, 0)};
    batch.hops = {hop(HopKind::kDeviceIn, std::string(28, 'p')), hop(HopKind::kHook, "")};
    batch.entries = {life()};
    batch.rulesets = {ruleset("", "table inet planted\n"), ruleset("node-1-pod-0", "table inet mesh\n")};
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static Ruleset ruleset(const std::string& place, const std::string& text) {
    Ruleset ruleset;
    ruleset.place = place;
    ruleset.text_bytes = text.size();
    ruleset.text_zstd = compress(text);
    return ruleset;
  }

  // Stores the run, the witnesses' marker behind their results, and bundles it.
  Written write(const std::set<std::string>& cells) {
    const store::RunStore runs(folder);
    auto writer = runs.create(report.run.id);
    EXPECT_TRUE(writer);
    EXPECT_TRUE(writer->append_batch("node-1", 0, batch));
    const std::vector<evidence::Witness> witnesses = {{kWitness, kTask, "a/red>cell", 1, 2}};
    EXPECT_TRUE(writer->append_marker(evidence::kWitnessMarker, 0, evidence::to_json(witnesses)));
    EXPECT_TRUE(writer->finish());
    auto written = write_bundle(runs, report, plan, cells, sink);
    EXPECT_TRUE(written) << written.error().message;
    EXPECT_TRUE(sink.finished);
    return written ? *written : Written();
  }

  std::filesystem::path folder;
  report::Report report;
  plan::Plan plan;
  ResultBatch batch;
  MemorySink sink;
};

TEST_F(BundleOf, a_red_cell_has_everything) {
  const auto written = write({"a/red>cell"});
  EXPECT_EQ(written.cells, 1U);
  EXPECT_EQ(written.files, sink.files.size());
  EXPECT_THAT(written.missing, IsEmpty());
  std::vector<std::string> names;
  for (const auto& [name, bytes] : sink.files) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"README.txt", "cells/1-a_red_cell/cell.json",
                                             "cells/1-a_red_cell/conntrack.json", "cells/1-a_red_cell/explain.txt",
                                             "cells/1-a_red_cell/packets.pcapng", "cells/1-a_red_cell/samples.csv",
                                             "index.json", "report.json", "rulesets/stage-0/node-1+node-1-pod-0.nft",
                                             "rulesets/stage-0/node-1.nft", "worlds/stage-0.json"}));
  EXPECT_EQ(sink.files["rulesets/stage-0/node-1.nft"], "table inet planted\n");
  EXPECT_THAT(sink.files["cells/1-a_red_cell/packets.pcapng"], HasSubstr(std::string(28, 'p')));
  EXPECT_THAT(sink.files["README.txt"], HasSubstr("dropped-by-rule: a rule dropped it"));
  EXPECT_THAT(sink.files["README.txt"], HasSubstr("Nothing is missing."));
  const auto& samples = sink.files["cells/1-a_red_cell/samples.csv"];
  EXPECT_EQ(std::ranges::count(samples, '\n'), 1 + 2 + 1) << samples;
  EXPECT_THAT(samples, HasSubstr("9/0,node-1,yes,"));
  EXPECT_THAT(samples, Not(HasSubstr("2/0")));
  const auto index = nlohmann::json::parse(sink.files["index.json"]);
  EXPECT_EQ(index.at("cells").at(0).at("rulesets").size(), 2U);
  for (const auto& file : index.at("files"))
    EXPECT_EQ(sink.files.at(file.at("path")).size(), file.at("bytes").get<std::size_t>());
}

TEST_F(BundleOf, what_a_cell_does_not_have_is_said) {
  batch.rulesets[0].text_bytes = 1000;  // more than came
  batch.rulesets[1].text_zstd = "no zstd";
  report.evidence_notes = {"node-2: no packet walk"};
  report.agents = {{"node-1", "", {{"conntrack-events-lost", 3}}}};
  report.ended_early = "interrupted";
  const auto written = write({"a/red>cell", "b/green"});
  EXPECT_EQ(written.cells, 2U);
  EXPECT_THAT(written.missing, Contains(HasSubstr("rules of node-1: cut after 19 of 1000 bytes")));
  EXPECT_THAT(written.missing, Contains(HasSubstr("pod node-1-pod-0 on node-1: what was compressed is damaged")));
  EXPECT_THAT(written.missing, Contains("b/green: no packet of its witnesses was seen at a device"));
  EXPECT_THAT(written.missing, Contains("b/green: no entry of connection tracking was seen"));
  EXPECT_THAT(written.missing, Contains("evidence: node-2: no packet walk"));
  EXPECT_THAT(written.missing, Contains("node-1 lost 3 conntrack-events-lost"));
  EXPECT_THAT(written.missing, Contains("the run ended early: interrupted"));
  for (const auto& line : written.missing) EXPECT_THAT(sink.files["README.txt"], HasSubstr(line));
}

TEST_F(BundleOf, a_node_that_told_no_rules_is_named) {
  batch.rulesets.clear();
  const auto written = write({"a/red>cell"});
  EXPECT_THAT(written.missing, Contains("stage 0: node-1 told none of its rules"));
  EXPECT_THAT(written.missing, Contains("a/red>cell: packets of node-1 have no date"));
}

TEST_F(BundleOf, the_same_run_gives_the_same_files) {
  write({"a/red>cell"});
  const auto first = std::exchange(sink.files, {});
  std::filesystem::remove_all(folder / report.run.id);
  write({"a/red>cell"});
  EXPECT_EQ(sink.files, first);
}

TEST_F(BundleOf, cells_are_chosen_by_verdict_or_by_name) {
  const auto chosen = [&](const std::vector<std::string>& globs) {
    const auto cells = choose_cells(report, globs);
    return cells ? *cells : std::set<std::string>{cells.error().message};
  };
  EXPECT_EQ(chosen({}), std::set<std::string>{"a/red>cell"});
  EXPECT_EQ(chosen({"b/*"}), std::set<std::string>{"b/green"});
  EXPECT_EQ(chosen({"*", "b/*"}), (std::set<std::string>{"a/red>cell", "b/green"}));
  EXPECT_THAT(*chosen({"c/*"}).begin(), HasSubstr("no cell c/*"));
  report.cells[0].verdict.verdict = judge::Verdict::kPass;
  EXPECT_THAT(chosen({}), IsEmpty());
}

}  // namespace
}  // namespace conntruth::bundle
