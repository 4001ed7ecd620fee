// Runs asked for through the pod proxy of an API server, which the same HTTP server plays here: from the client's
// request to its exit code, with everything between them real but the run.
#include "controller/app/run_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "controller/app/remote_controller.hpp"
#include "tests/support/loopback_access.hpp"

namespace conntruth::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::json;

constexpr auto kKey = "0123456789abcdef";
constexpr auto kSecret = R"({"data":{"key":"MDEyMzQ1Njc4OWFiY2RlZg=="}})";
constexpr std::string_view kProxy = "/api/v1/namespaces/conntruth-system/pods/http:c-0:7080/proxy";

std::string pods(const std::string& ready) {
  return R"({"items":[{"metadata":{"name":"c-0"},"status":{"phase":"Running","conditions":[{"type":"Ready","status":")" +
         ready + R"("}]}}]})";
}

// A run that says a step and then waits for being let go or interrupted.
class SlowWork {
 public:
  Result<report::Report> operator()(const RunRequest& request, const std::string& id, Progress& progress,
                                    const std::atomic<bool>& interrupted) {
    if (!request.options.select.empty() && request.options.select.front() == "bad")
      return fail(ErrorCode::kInvalidInput, "nothing is called bad");
    progress.step("stage 1", 10);
    progress.done(5);
    progress.note("something");
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, std::chrono::milliseconds(20), [&] { return free_ || interrupted; })) {
    }
    store::RunStore runs(directory_);
    auto writer = runs.create(id);
    if (!writer || !writer->finish(interrupted ? "interrupted" : ""))
      return fail(ErrorCode::kInternal, "the store of the test");
    report::Report report;
    report.ended_early = interrupted ? "interrupted" : "";
    return report;
  }
  void let_go() {
    {
      const std::lock_guard lock(mutex_);
      free_ = true;
    }
    changed_.notify_all();
  }
  std::filesystem::path directory_;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool free_ = false;
};

class RemoteRuns : public testing::Test {
 protected:
  RemoteRuns() {
    work_.directory_ = directory_;
    server_ = *http::Server::start({IpAddress::v4({127, 0, 0, 1}), 0}, {},
                                   [this](const http::Request& request) { return play(request); });
  }
  ~RemoteRuns() override {
    work_.let_go();
    server_.reset();
    desk_.reset();
    std::filesystem::remove_all(directory_);
  }

  Result<RemoteController> connect() {
    return RemoteController::connect(*kube::Client::make(tests::loopback_access(server_->port()), {}), "a test",
                                     "conntruth-system");
  }

  // Types of a run's events, and its end.
  Result<std::string> follow(RemoteController& remote, const std::string& id, std::vector<std::string>& types) {
    return remote.follow(id, [&](const EventStreamReader::Event& event) { types.push_back(event.type); });
  }

  http::Reply play(http::Request request) {
    if (request.path == "/api/v1/namespaces/conntruth-system/pods")
      return {200, "application/json", pods(ready_), {}, 0};
    if (request.path == "/api/v1/namespaces/conntruth-system/secrets/conntruth-key")
      return {200, "application/json", kSecret, {}, 0};
    if (!request.path.starts_with(kProxy)) return {404, "application/json", R"({"message":"what?"})", {}, 0};
    if (forbidden_) return {403, "application/json", R"({"message":"pods/proxy is forbidden"})", {}, 0};
    request.path = request.path.substr(kProxy.size());
    auto reply = api_.handle(request);
    if (!reply.events || cuts_ == 0) return reply;
    --cuts_;  // a proxy on the way that gives up after the first event
    const auto page = reply.events->above(reply.after, std::chrono::steady_clock::now() + std::chrono::seconds(10));
    const auto cut = std::make_shared<http::EventLog>();
    cut->append(page.events.at(0).type, page.events.at(0).data);
    cut->close();
    reply.events = cut;
    reply.after = 0;
    return reply;
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("conntruth-run-desk-" + std::to_string(getpid()));
  SlowWork work_;
  std::unique_ptr<RunDesk> desk_ = std::make_unique<RunDesk>(
      store::RunStore(directory_), 3,
      [this](const RunRequest& request, const std::string& id, Progress& progress,
             const std::atomic<bool>& interrupted) { return work_(request, id, progress, interrupted); });
  http::Api api_{*desk_, kKey};
  std::atomic<int> cuts_{0};
  std::atomic<bool> forbidden_{false};
  std::string ready_ = "True";
  std::unique_ptr<http::Server> server_;
};

TEST_F(RemoteRuns, tell_what_happens_and_end_with_the_exit_code) {
  auto remote = connect();
  ASSERT_TRUE(remote) << remote.error().message;
  const auto id = remote->start("{}");
  ASSERT_TRUE(id) << id.error().message;
  work_.let_go();
  std::vector<std::string> types;
  const auto end = follow(*remote, *id, types);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(Json::parse(*end)["exitCode"], 3) << "nothing was run";
  EXPECT_THAT(types, ElementsAre("step", "progress", "note"));
}

TEST_F(RemoteRuns, are_one_at_a_time) {
  auto remote = connect();
  const auto id = remote->start("{}");
  const auto second = remote->start("{}");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr(*id));
  const auto early = remote->read("/" + *id + "/report", {});
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error().message, HasSubstr("going on"));
}

TEST_F(RemoteRuns, go_on_without_their_client_and_are_taken_up_by_another) {
  std::string id;
  {
    auto remote = connect();
    id = *remote->start("{}");
  }
  auto other = connect();
  work_.let_go();
  std::vector<std::string> types;
  EXPECT_TRUE(follow(*other, id, types));
  EXPECT_THAT(types, ElementsAre("step", "progress", "note"));
}

TEST_F(RemoteRuns, whose_stream_is_cut_miss_no_event) {
  cuts_ = 2;
  auto remote = connect();
  const auto id = remote->start("{}");
  work_.let_go();
  std::vector<std::string> types;
  const auto end = follow(*remote, *id, types);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(types.front(), "step");
  EXPECT_EQ(types.back(), "note");
}

TEST_F(RemoteRuns, are_ended_by_a_client_that_says_so) {
  auto remote = connect();
  const auto id = remote->start("{}");
  ASSERT_TRUE(remote->cancel(*id));
  std::vector<std::string> types;
  const auto end = follow(*remote, *id, types);
  ASSERT_TRUE(end);
  EXPECT_EQ(Json::parse(*end)["exitCode"], 1) << "it ended early";
  EXPECT_FALSE(remote->cancel("no-such-run"));
  EXPECT_TRUE(remote->start("{}")) << "the next one may come";
}

TEST_F(RemoteRuns, that_cannot_be_done_say_why) {
  auto remote = connect();
  const auto id = remote->start(R"({"select":["bad"]})");
  std::vector<std::string> types;
  EXPECT_EQ(Json::parse(*follow(*remote, *id, types))["error"], "nothing is called bad");
}

TEST_F(RemoteRuns, have_options_that_are_checked_before_anything_begins) {
  auto remote = connect();
  for (const auto* bad : {"[]", "x", R"({"selekt":[]})", R"({"select":"x"})", R"({"protocols":["icmp"]})",
                          R"({"families":["ipv5"]})", R"({"profile":"/etc/passwd"})"}) {
    const auto id = remote->start(bad);
    ASSERT_FALSE(id) << bad;
    EXPECT_EQ(id.error().code, ErrorCode::kInvalidInput) << bad;
  }
  EXPECT_THAT(remote->start(R"({"selekt":[]})").error().message, AllOf(HasSubstr("selekt"), HasSubstr("select, skip")));
}

TEST_F(RemoteRuns, of_a_controller_that_was_killed_say_so_and_do_not_hang) {
  store::RunStore runs(directory_);
  const auto id = std::string("20260102T030405.678Z");
  std::filesystem::create_directories(directory_ / id);
  auto remote = connect();
  std::vector<std::string> types;
  const auto end = follow(*remote, id, types);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_THAT(*end, HasSubstr("started anew in the middle"));
}

TEST_F(RemoteRuns, of_an_earlier_life_end_above_every_number_that_a_client_has_heard) {
  const auto id = std::string("20260102T030405.678Z");
  std::filesystem::create_directories(directory_ / id);
  const auto log = desk_->events(id);
  ASSERT_TRUE(log);
  EXPECT_FALSE((*log)->above(1'000'000, std::chrono::steady_clock::now()).events.empty());
}

TEST_F(RemoteRuns, need_the_right_to_use_the_proxy) {
  forbidden_ = true;
  auto remote = connect();
  const auto id = remote->start("{}");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::kPermission);
  EXPECT_THAT(id.error().message, HasSubstr("resources: [pods/proxy], verbs: [create]"));
}

TEST_F(RemoteRuns, need_a_controller_that_is_ready) {
  ready_ = "False";
  const auto remote = connect();
  ASSERT_FALSE(remote);
  EXPECT_THAT(remote.error().message, AllOf(HasSubstr("c-0"), HasSubstr("not ready")));
}

TEST(RunRequest, travels_as_it_is) {
  RunRequest request;
  request.options.select = {"clusterip*"};
  request.options.skip = {"sctp"};
  request.options.protocols = {Protocol::kUdp};
  request.options.families = {Family::kIpv6};
  request.profile = "kube-proxy-nftables@1.36";
  const auto text = request_to_json(request);
  ASSERT_TRUE(text);
  const auto read = request_from_json(*text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->options.select, request.options.select);
  EXPECT_EQ(read->options.skip, request.options.skip);
  EXPECT_EQ(read->options.protocols, request.options.protocols);
  EXPECT_EQ(read->options.families, request.options.families);
  EXPECT_EQ(read->profile, request.profile);
}

TEST(EventStreamReader, reads_events_whatever_pieces_they_come_in) {
  const std::string text =
      ": hello\n\nid: 1\nevent: note\ndata: {\"line\":\"a: b\"}\n\nid: 2\nevent: end\ndata: {}\n\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    EventStreamReader reader;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < text.size(); at += size) {
      reader.input() += text.substr(at, size);
      while (const auto event = reader.next()) seen.push_back(event->id + event->type + event->data);
    }
    EXPECT_THAT(seen, ElementsAre("1note{\"line\":\"a: b\"}", "2end{}")) << size;
  }
}

}  // namespace
}  // namespace conntruth::app
