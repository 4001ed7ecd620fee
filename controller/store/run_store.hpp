#pragma once
// Where runs live: one directory per run,
//
//   RUN_ID/inputs/NAME    what the run was planned from, as the caller gave it (text)
//   RUN_ID/samples.seg    everything that agents reported, and markers, in the order of arrival; append-only
//   RUN_ID/report.json    the report, when there is one
//   RUN_ID/state          "running PID STARTTIME", "complete" or "partial REASON"
//
// samples.seg is a sequence of frames (segment.hpp): zstd, length and checksum each. A crash can tear the last frame
// only; reading cuts it off and says how many bytes were lost. A full disk makes append fail with kResource; the run is
// then marked partial (its state file is reserved at creation, so that this needs no space).
//
// The caller gives times; nothing here reads a clock.
// Errors name the path. kPermission and kResource carry a remedy.
// Threading: one RunWriter per run, one thread. Readers may read while a writer appends; they see a prefix.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::store {

// $CONNTRUTH_STATE_DIR/runs, or /var/lib/conntruth/runs.
[[nodiscard]] std::filesystem::path default_directory();

// Sorts by time: "20260102T030405.678Z" from milliseconds since the Unix epoch.
[[nodiscard]] std::string make_run_id(std::int64_t unix_milliseconds);

enum class RunState : std::uint8_t {
  kRunning,    // its process is alive
  kComplete,   // everything that was planned is stored
  kPartial,    // ended early and said why
  kAbandoned,  // its process died without a word: what is stored is readable
};
[[nodiscard]] std::string_view to_string(RunState state);  // "running", "complete", "partial", "abandoned"

struct RunInfo {
  std::string id;
  RunState state = RunState::kAbandoned;
  std::string reason;       // of a partial or abandoned run
  std::uint64_t bytes = 0;  // of samples.seg
  bool has_report = false;
};

// A batch of an agent's results with the stage of the plan it came in.
struct BatchRecord {
  std::string agent;
  std::uint32_t stage = 0;
  ResultBatch batch;
};

// Something that happened to the run, under a name: {"published", R"({"generation":3,"at_ns":...})"}.
struct MarkerRecord {
  std::string name;
  std::uint32_t stage = 0;
  std::string json;
};

// In file order; exactly one of the two is set.
struct Record {
  std::optional<BatchRecord> batch;
  std::optional<MarkerRecord> marker;
};

class RunWriter {
 public:
  RunWriter(RunWriter&&) noexcept;
  RunWriter& operator=(RunWriter&&) noexcept;
  ~RunWriter();  // without finish(): the run stays "running" and shows as abandoned once this process is gone

  [[nodiscard]] const std::string& id() const;
  [[nodiscard]] std::filesystem::path directory() const;
  // `name` is [a-z0-9._-]+; written once.
  [[nodiscard]] Status write_input(std::string_view name, std::string_view text);
  // `encoded` is fleet::Batch::encoded. When this returns, the batch may be acknowledged: it is in the kernel's hands
  // and survives the death of this process (sync() makes it survive the machine's).
  [[nodiscard]] Status append_batch(std::string_view agent, std::uint32_t stage, std::string_view encoded);
  [[nodiscard]] Status append_batch(std::string_view agent, std::uint32_t stage, const ResultBatch& batch);
  [[nodiscard]] Status append_marker(std::string_view name, std::uint32_t stage, std::string_view json);
  [[nodiscard]] Status sync();
  [[nodiscard]] Status write_report(std::string_view json);
  // Complete where `partial_reason` is empty. Nothing can be appended after it.
  [[nodiscard]] Status finish(std::string_view partial_reason = {});

 private:
  friend class RunStore;
  struct State;
  explicit RunWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class RunReader {
 public:
  RunReader(RunReader&&) noexcept;
  RunReader& operator=(RunReader&&) noexcept;
  ~RunReader();

  [[nodiscard]] const RunInfo& info() const;
  [[nodiscard]] Result<std::string> input(std::string_view name) const;  // kNotFound
  [[nodiscard]] std::vector<std::string> inputs() const;                 // names, sorted
  [[nodiscard]] Result<std::string> report() const;                      // kNotFound
  // The next record, none at the end. A torn tail is the end; a damaged frame before the end is an error.
  [[nodiscard]] Result<std::optional<Record>> next();
  // Bytes of the torn tail; known once next() has reached the end.
  [[nodiscard]] std::uint64_t bytes_cut() const;

 private:
  friend class RunStore;
  struct State;
  explicit RunReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class RunStore {
 public:
  explicit RunStore(std::filesystem::path directory = default_directory()) : directory_(std::move(directory)) {}

  [[nodiscard]] Result<RunWriter> create(const std::string& id) const;  // kConflict where it exists
  [[nodiscard]] Result<RunReader> open(const std::string& id) const;    // kNotFound, naming the newest runs
  // Replaces the report of a finished run (rejudge).
  [[nodiscard]] Status write_report(const std::string& id, std::string_view json) const;
  [[nodiscard]] Result<std::vector<RunInfo>> list() const;   // oldest first; no directory: empty
  [[nodiscard]] Status remove(const std::string& id) const;  // kConflict while it is running
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
};

}  // namespace conntruth::store
