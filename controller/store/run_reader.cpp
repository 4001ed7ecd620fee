#include <algorithm>

#include "controller/store/record.hpp"
#include "controller/store/run_state.hpp"

namespace conntruth::store {

RunReader::RunReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunReader::RunReader(RunReader&&) noexcept = default;
RunReader& RunReader::operator=(RunReader&&) noexcept = default;
RunReader::~RunReader() = default;

const RunInfo& RunReader::info() const { return state_->info; }

Result<std::string> RunReader::input(std::string_view name) const {
  if (!is_plain_name(name))
    return fail(ErrorCode::kInvalidInput, "\"" + std::string(name) + "\" is no name of an input");
  return read_file(state_->directory / "inputs" / name);
}

std::vector<std::string> RunReader::inputs() const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(state_->directory / "inputs", error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

Result<std::string> RunReader::report() const { return read_file(state_->directory / "report.json"); }

Result<std::optional<Record>> RunReader::next() {
  if (!state_->samples) {
    auto samples = SegmentReader::open(state_->directory / "samples.seg");
    if (!samples) return std::unexpected(samples.error());
    state_->samples.emplace(std::move(*samples));
  }
  auto bytes = state_->samples->next();
  if (!bytes) return std::unexpected(bytes.error());
  if (!*bytes) return std::nullopt;
  auto record = decode_record(**bytes);
  if (!record) return std::unexpected(record.error().in("run " + state_->info.id));
  return std::move(*record);
}

std::uint64_t RunReader::bytes_cut() const { return state_->samples ? state_->samples->bytes_cut() : 0; }

}  // namespace conntruth::store
