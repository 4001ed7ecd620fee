#include <algorithm>

#include "common/codec/session_codec.hpp"
#include "controller/store/record.hpp"
#include "controller/store/run_state.hpp"
#include "controller/store/state_file.hpp"

namespace conntruth::store {

RunWriter::RunWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunWriter::RunWriter(RunWriter&&) noexcept = default;
RunWriter& RunWriter::operator=(RunWriter&&) noexcept = default;
RunWriter::~RunWriter() = default;

const std::string& RunWriter::id() const { return state_->id; }
std::filesystem::path RunWriter::directory() const { return state_->directory; }

Status RunWriter::write_input(std::string_view name, std::string_view text) {
  if (!is_plain_name(name))
    return fail(ErrorCode::kInvalidInput, "\"" + std::string(name) + "\" is no name for an input");
  auto file = File::create(state_->directory / "inputs" / name);
  if (!file) return state_->noted(std::unexpected(file.error()));
  return state_->noted(file->write_at(0, text));
}

Status RunWriter::append_batch(std::string_view agent, std::uint32_t stage, std::string_view encoded) {
  return state_->append(encode_record(RecordKind::kBatch, stage, agent, encoded));
}

Status RunWriter::append_batch(std::string_view agent, std::uint32_t stage, const ResultBatch& batch) {
  return append_batch(agent, stage, codec::encode_batch(batch));
}

Status RunWriter::append_marker(std::string_view name, std::uint32_t stage, std::string_view json) {
  return state_->append(encode_record(RecordKind::kMarker, stage, name, json));
}

Status RunWriter::sync() { return state_->noted(state_->samples.sync()); }

Status RunWriter::write_report(std::string_view json) {
  return state_->noted(replace_file(state_->directory / "report.json", json));
}

Status RunWriter::finish(std::string_view partial_reason) {
  state_->finished = true;
  const bool complete = partial_reason.empty() && state_->first_error.empty();
  const auto reason = state_->first_error.empty() ? std::string(partial_reason) : state_->first_error;
  return write_state(state_->directory, complete ? RunState::kComplete : RunState::kPartial, reason);
}

Status RunWriter::State::append(const std::string& record) {
  if (finished) return fail(ErrorCode::kConflict, "run " + id + " is finished; nothing can be added");
  return noted(samples.append(record));
}

// A run that could not be stored whole says so, whatever becomes of its process.
Status RunWriter::State::noted(Status status) {
  if (status || !first_error.empty()) return status;
  first_error = status.error().message;
  static_cast<void>(write_state(directory, RunState::kPartial, first_error));
  return status;
}

}  // namespace conntruth::store
