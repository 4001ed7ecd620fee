#include "controller/store/run_store.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "common/codec/session_codec.hpp"
#include "tests/support/make_batch.hpp"

namespace conntruth::store {
namespace {

class RunStoreTest : public testing::Test {
 protected:
  RunStoreTest() { std::filesystem::remove_all(directory_); }
  ~RunStoreTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::filesystem::path samples(const std::string& id) const { return directory_ / id / "samples.seg"; }

  // Three batches and a marker.
  void write_run(const std::string& id) {
    auto run = store_.create(id);
    ASSERT_TRUE(run);
    ASSERT_TRUE(run->append_batch("node-1", 0, support::make_batch(0, 500)));
    ASSERT_TRUE(run->append_marker("published", 1, R"({"generation":3})"));
    ASSERT_TRUE(run->append_batch("node-2", 1, codec::encode_batch(support::make_batch(1, 100))));
    ASSERT_TRUE(run->append_batch("node-1", 1, support::make_batch(2, 1)));
    ASSERT_TRUE(run->finish());
  }

  // How many records can be read, and how many bytes were cut; the error where there is one.
  struct Outcome {
    std::size_t records = 0;
    std::uint64_t cut = 0;
    std::string error;
    bool operator==(const Outcome&) const = default;
  };
  [[nodiscard]] Outcome read_all(const std::string& id) const {
    auto run = store_.open(id);
    Outcome outcome;
    for (;;) {
      const auto record = run->next();
      if (!record) return {outcome.records, 0, record.error().message};
      if (!*record) break;
      ++outcome.records;
    }
    outcome.cut = run->bytes_cut();
    return outcome;
  }

  const std::filesystem::path directory_ = testing::TempDir() + "conntruth-store-" + std::to_string(getpid());
  const RunStore store_{directory_};
};

TEST_F(RunStoreTest, gives_back_what_was_written_in_order) {
  write_run("r1");
  auto run = store_.open("r1");
  ASSERT_TRUE(run);
  const auto first = **run->next();
  EXPECT_EQ(first.batch->agent, "node-1");
  EXPECT_EQ(first.batch->batch, support::make_batch(0, 500));
  const auto marker = **run->next();
  EXPECT_FALSE(marker.batch);
  EXPECT_EQ(marker.marker->name, "published");
  EXPECT_EQ(marker.marker->stage, 1U);
  EXPECT_EQ(marker.marker->json, R"({"generation":3})");
  EXPECT_EQ((**run->next()).batch->batch, support::make_batch(1, 100));
  EXPECT_EQ((**run->next()).batch->stage, 1U);
  EXPECT_FALSE(*run->next());
  EXPECT_FALSE(*run->next());
  EXPECT_EQ(run->bytes_cut(), 0U);
}

TEST_F(RunStoreTest, keeps_inputs_and_report) {
  auto run = store_.create("r1");
  ASSERT_TRUE(run->write_input("world.json", "{}"));
  ASSERT_TRUE(run->write_input("options.json", ""));
  EXPECT_FALSE(run->write_input("world.json", "again"));
  EXPECT_FALSE(run->write_input("../state", "x"));
  ASSERT_TRUE(run->write_report("{\"a\":1}"));
  ASSERT_TRUE(run->write_report("{\"a\":2}"));
  const auto read = store_.open("r1");
  EXPECT_EQ(read->inputs(), (std::vector<std::string>{"options.json", "world.json"}));
  EXPECT_EQ(*read->input("world.json"), "{}");
  EXPECT_EQ(read->input("nothing").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(*read->report(), "{\"a\":2}");
}

TEST_F(RunStoreTest, a_file_cut_at_any_byte_gives_its_whole_frames) {
  write_run("r1");
  const auto size = std::filesystem::file_size(samples("r1"));
  std::size_t records = 4;
  for (auto length = size; length-- > 0;) {
    std::filesystem::resize_file(samples("r1"), length);
    const auto outcome = read_all("r1");
    EXPECT_EQ(outcome.error, "") << length;
    EXPECT_LE(outcome.records, records);
    EXPECT_GE(outcome.records + 1, records);
    records = outcome.records;
  }
  EXPECT_EQ(records, 0U);
}

TEST_F(RunStoreTest, says_how_many_bytes_of_a_torn_tail_were_cut) {
  write_run("r1");
  const auto size = std::filesystem::file_size(samples("r1"));
  std::ofstream(samples("r1"), std::ios::app) << "torn!";
  EXPECT_EQ(read_all("r1"), (Outcome{4, 5, ""}));
  std::filesystem::resize_file(samples("r1"), size);
  std::filesystem::resize_file(samples("r1"), size + 4096);  // zeros, as after a power cut
  EXPECT_EQ(read_all("r1"), (Outcome{4, 4096, ""}));
}

TEST_F(RunStoreTest, damage_before_the_end_is_an_error_and_not_a_shorter_run) {
  write_run("r1");
  const auto size = std::filesystem::file_size(samples("r1"));
  std::size_t errors = 0;
  for (std::uint64_t at = 8; at < size; at += 97) {
    std::fstream file(samples("r1"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const auto original = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(original ^ 0x40));
    file.close();
    const auto outcome = read_all("r1");
    EXPECT_TRUE(!outcome.error.empty() || outcome.records == 3) << at;  // 3: it hit the last frame
    errors += outcome.error.empty() ? 0U : 1U;
    std::fstream restore(samples("r1"), std::ios::in | std::ios::out | std::ios::binary);
    restore.seekp(static_cast<std::streamoff>(at));
    restore.put(original);
  }
  EXPECT_GT(errors, 10U);
  EXPECT_EQ(read_all("r1"), (Outcome{4, 0, ""}));
}

TEST_F(RunStoreTest, a_run_can_be_read_while_it_is_written) {
  auto run = store_.create("r1");
  ASSERT_TRUE(run->append_batch("node-1", 0, support::make_batch(0, 10)));
  EXPECT_EQ(read_all("r1"), (Outcome{1, 0, ""}));
  ASSERT_TRUE(run->append_batch("node-1", 0, support::make_batch(1, 10)));
  EXPECT_EQ(read_all("r1"), (Outcome{2, 0, ""}));
}

TEST_F(RunStoreTest, lists_runs_by_time_with_their_state) {
  EXPECT_TRUE(store_.list()->empty());
  const auto complete = make_run_id(1'767'323'045'678);
  const auto partial = make_run_id(1'767'323'045'679);
  const auto running = make_run_id(1'867'323'045'679);
  EXPECT_EQ(complete, "20260102T030405.678Z");
  auto writer = store_.create(running);
  ASSERT_TRUE(store_.create(partial)->finish("agent of node-2 was lost"));
  write_run(complete);
  const auto runs = *store_.list();
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0].id, complete);
  EXPECT_EQ(runs[0].state, RunState::kComplete);
  EXPECT_GT(runs[0].bytes, 1000U);
  EXPECT_EQ(runs[1].state, RunState::kPartial);
  EXPECT_EQ(runs[1].reason, "agent of node-2 was lost");
  EXPECT_EQ(runs[2].state, RunState::kRunning);
  EXPECT_EQ(store_.remove(running).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(store_.remove(partial));
  EXPECT_EQ(store_.list()->size(), 2U);
}

TEST_F(RunStoreTest, a_run_whose_process_was_killed_is_abandoned_and_readable) {
  const auto child = fork();
  if (child == 0) {
    auto run = store_.create("r1");
    static_cast<void>(run->append_batch("node-1", 0, support::make_batch(0, 10)));
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto run = store_.open("r1");
  EXPECT_EQ(run->info().state, RunState::kAbandoned);
  EXPECT_NE(run->info().reason.find(std::to_string(child)), std::string::npos);
  EXPECT_EQ(read_all("r1"), (Outcome{1, 0, ""}));
}

TEST_F(RunStoreTest, unknown_and_bad_names_are_refused_with_what_there_is) {
  write_run("r1");
  const auto missing = store_.open("r2");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("r1"), std::string::npos);
  EXPECT_FALSE(store_.open(".."));
  EXPECT_FALSE(store_.remove("../r1"));
  EXPECT_EQ(store_.create("a/b").error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(store_.create("r1").error().code, ErrorCode::kConflict);
}

// A disk of 64 kB in a mount namespace of a child's own.
TEST_F(RunStoreTest, a_full_disk_is_a_clear_error_and_the_run_is_marked_partial) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting a small disk needs root";
  std::filesystem::create_directories(directory_);
  const auto child = fork();
  if (child == 0) {
    // 1: cannot mount; 2..: what was not as it should be
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("conntruth-test", directory_.c_str(), "tmpfs", 0, "size=128k") != 0) {
      _exit(1);
    }
    auto run = store_.create("r1");
    std::size_t stored = 0;
    Status status;
    while ((status = run->append_batch("node-1", 0, support::make_batch(static_cast<std::uint32_t>(stored), 500)))) {
      if (++stored > 1000) _exit(2);
    }
    if (status.error().code != ErrorCode::kResource) _exit(3);
    if (status.error().message.find("CONNTRUTH_STATE_DIR") == std::string::npos) _exit(4);
    if (store_.open("r1")->info().state != RunState::kPartial) _exit(5);
    if (read_all("r1") != Outcome{stored, 0, ""}) _exit(6);
    if (!run->finish()) _exit(7);
    _exit(store_.open("r1")->info().state == RunState::kPartial ? 0 : 8);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace conntruth::store
