#include "tests/faults/fault_lab.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

namespace conntruth::faults {

std::vector<std::string> all_nodes() { return {"node-1", "node-2", "node-3"}; }

Result<FaultLab> FaultLab::up(const std::string& mark, lab::LabSpec spec) {
  spec.name = fmt::format("t-faults-{}{}", getpid(), mark);
  if (const auto lab = lab::Lab::up(spec); !lab) return std::unexpected(lab.error());
  return FaultLab(spec.name);
}

FaultLab::FaultLab(FaultLab&& other) noexcept : name_(std::exchange(other.name_, {})) {}

FaultLab::~FaultLab() {
  if (name_.empty()) return;
  if (const auto gone = lab::Lab::down(name_); !gone) fmt::print(stderr, "{}\n", gone.error().message);
  std::error_code ignored;
  std::filesystem::remove_all(state_directory(), ignored);
}

support::Finished FaultLab::conntruth(std::vector<std::string> words) const {
  words.insert(words.begin(), std::string(CONNTRUTH_BIN_DIR) + "/conntruth");
  return support::run_process(words, {"CONNTRUTH_STATE_DIR=" + state_directory()});
}

support::Finished FaultLab::run(const std::vector<std::string>& select) const {
  return conntruth({"run", "--lab", name_, "--select", fmt::format("{}", fmt::join(select, ",")), "-o", "json"});
}

Status FaultLab::change(const char* verb, const std::string& fault, const std::string& node) const {
  const auto finished = conntruth({"lab", "fault", verb, name_, fault, "--node", node});
  if (finished.status == 0) return {};
  return fail(ErrorCode::kInternal, fmt::format("{} {} on {}: {}", verb, fault, node, finished.err));
}

Status FaultLab::plant(const std::string& fault, const std::string& node) const { return change("plant", fault, node); }
Status FaultLab::heal(const std::string& fault, const std::string& node) const { return change("heal", fault, node); }

Result<Report> FaultLab::worlds(std::uint64_t seed, unsigned count) const {
  std::filesystem::create_directories(state_directory());
  const auto told =
      conntruth({"worlds", "--lab", name_, "--seed", std::to_string(seed), "--count", std::to_string(count),
                 "--no-shrink", "--quiet", "--out", state_directory(), "-o", "json"});
  const auto json = nlohmann::json::parse(told.out, nullptr, false);
  if (!json.is_object() || !json.contains("run")) return fail(ErrorCode::kInternal, "conntruth worlds: " + told.err);
  const auto matrix = conntruth({"matrix", json["run"].get<std::string>(), "-o", "json"});
  return read_report(matrix.out);
}

}  // namespace conntruth::faults
