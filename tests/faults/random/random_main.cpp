// Random faults on random nodes, and whether each red cell names the one that was planted. Labs side by side.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "lab/faults/faults.hpp"
#include "tests/faults/cause_tally.hpp"
#include "tests/faults/draw.hpp"
#include "tests/faults/fault_lab.hpp"

namespace conntruth::faults {
namespace {

constexpr unsigned kWorlds = 3;  // of one draw

struct Request {
  std::uint64_t runs = 12;
  std::uint64_t seed = 1;
  std::uint64_t first = 0;
  unsigned labs = 1;
  std::vector<std::string> only;
  bool whole = false;   // tells also of red cells without a cause
  bool tables = false;  // by fault and by code
};

struct Material {
  std::vector<Candidate> candidates;
  std::map<std::string, Expectation> expectations;
  std::vector<std::string> scenarios;
};

// Scenarios that pause, or ask slow servers, are run where a fault asks for them. Those of one family have not the
// cells that are drawn.
bool is_drawn(const std::string& scenario) {
  constexpr std::array kNot = {"established-tcp", "affinity-timeout", "health-check-node-port", "proxy-healthz",
                               "ipv4-only",       "ipv6-only",        "one-family-missing",     "names"};
  return std::ranges::find(kNot, scenario) == kNot.end() && !scenario.starts_with("stale-udp");
}

Result<Material> gather(const Request& request) {
  Material material;
  const auto faults = lab::load_faults(lab::fault_directory());
  if (!faults) return std::unexpected(faults.error());
  for (const auto& fault : *faults) {
    auto expectation = read_expectation(fault.id, fault.expect);
    if (!expectation) return std::unexpected(expectation.error().in(fault.id));
    const bool wanted = request.only.empty() || std::ranges::find(request.only, fault.id) != request.only.end();
    if (expectation->causes.empty() || !wanted) continue;
    material.candidates.push_back({fault.id, expectation->select});
    material.expectations.emplace(fault.id, std::move(*expectation));
  }
  for (const auto& file : std::filesystem::directory_iterator(CONNTRUTH_SOURCE_DIR "/controller/catalogue/data")) {
    const auto scenario = file.path().stem().string();
    if (file.path().extension() == ".yaml" && is_drawn(scenario)) material.scenarios.push_back(scenario);
  }
  std::ranges::sort(material.scenarios);
  if (material.candidates.empty()) return fail(ErrorCode::kInvalidInput, "no such fault states its cause");
  return material;
}

Result<Report> run(const FaultLab& lab, const Draw& drawn) {
  if (drawn.world_seed != 0) return lab.worlds(drawn.world_seed, kWorlds);
  const auto finished = lab.run(drawn.select);
  auto report = read_report(finished.out);
  if (!report) return std::unexpected(report.error().in(finished.err));
  return report;
}

// A machine that stands still for half a minute loses agents: such a run shows nothing of the fault.
Result<Report> run_whole(const FaultLab& lab, const Draw& drawn) {
  auto report = run(lab, drawn);
  if (report && !report->partial.empty()) report = run(lab, drawn);
  if (!report || report->partial.empty()) return report;
  return fail(ErrorCode::kUnavailable, "partial: " + report->partial);
}

Result<Report> try_one(const FaultLab& lab, const Draw& drawn) {
  if (auto planted = lab.plant(drawn.fault, drawn.node); !planted) return std::unexpected(planted.error());
  auto report = run_whole(lab, drawn);
  if (auto healed = lab.heal(drawn.fault, drawn.node); !healed) return std::unexpected(healed.error());
  return report;
}

void tell(const Request& request, std::uint64_t number, const Draw& drawn, const Expectation& expectation,
          const Report& report) {
  for (const auto& cell : report.cells) {
    if (cell.verdict != "fail") continue;
    const bool wrong = is_cause(cell) && !is_planted(cell, expectation, drawn.node);
    if (!wrong && (is_cause(cell) || !request.whole)) continue;
    fmt::print("{}: --seed {} --first {}: {}\n  {}\n  {}\n  cause {} on {}: {}\n", wrong ? "WRONG" : "without cause",
               request.seed, number, describe(drawn), cell.id, cell.text, cell.cause, cell.cause_node, cell.cause_text);
    for (const auto& note : report.evidence_notes) fmt::print("  note: {}\n", note);
  }
}

class Trials {
 public:
  Trials(const Request& request, const Material& material) : request_(request), material_(material) {}

  void carry_out(const FaultLab& lab) {
    for (auto index = next_++; index < request_.runs; index = next_++) {
      const auto number = request_.first + index;
      const auto drawn = draw(request_.seed, number, material_.candidates, material_.scenarios);
      const auto report = try_one(lab, drawn);
      const std::lock_guard lock(mutex_);
      if (!report) {
        tally_.broken();
        fmt::print("BROKEN: --seed {} --first {}: {}\n  {}\n", request_.seed, number, describe(drawn),
                   report.error().message);
        continue;
      }
      const auto& expectation = material_.expectations.at(drawn.fault);
      tell(request_, number, drawn, expectation, *report);
      tally_.take(drawn.fault, expectation, *report, drawn.node);
      if (tally_.runs() % 25 == 0) print_line();
    }
  }
  void print_line() const {
    fmt::print("{}\n", tally_.line());
    std::fflush(stdout);
  }
  [[nodiscard]] const CauseTally& tally() const { return tally_; }

 private:
  const Request& request_;
  const Material& material_;
  std::atomic<std::uint64_t> next_ = 0;
  std::mutex mutex_;
  CauseTally tally_;  // under mutex_
};

int carry_out(const Request& request) {
  if (geteuid() != 0) {
    fmt::print(stderr, "random_faults: making network namespaces needs root\n");
    return 1;
  }
  const auto material = gather(request);
  if (!material) {
    fmt::print(stderr, "random_faults: {}\n", material.error().message);
    return 1;
  }
  std::vector<FaultLab> labs;
  for (unsigned i = 0; i < request.labs; ++i) {
    auto lab = FaultLab::up(fmt::format("-r{}", i));
    if (!lab) {
      fmt::print(stderr, "random_faults: {}\n", lab.error().message);
      return 1;
    }
    labs.push_back(std::move(*lab));
  }
  Trials trials(request, *material);
  {
    std::vector<std::jthread> threads;
    for (const auto& lab : labs) threads.emplace_back([&] { trials.carry_out(lab); });
  }
  if (request.tables) fmt::print("{}\n", trials.tally().tables());
  trials.print_line();
  return trials.tally().is_good() ? 0 : 2;
}

}  // namespace
}  // namespace conntruth::faults

int main(int argc, char** argv) {
  conntruth::faults::Request request;
  CLI::App app("plants random faults on random nodes and compares causes of red cells with what was planted");
  app.add_option("--random", request.runs, "runs")->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", request.seed, "the same seed gives the same faults, nodes and selections");
  app.add_option("--first", request.first, "number of the first run");
  app.add_option("--labs", request.labs, "labs side by side")->check(CLI::Range(1, 8));
  app.add_option("--only", request.only, "these faults alone")->delimiter(',');
  app.add_flag("--without-cause", request.whole, "print red cells without a cause as well");
  app.add_flag("--tables", request.tables, "print how many of each fault and of each code");
  CLI11_PARSE(app, argc, argv);
  return conntruth::faults::carry_out(request);
}
