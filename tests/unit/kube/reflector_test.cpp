// List and watch against a server that fails in every way.
#include "kube/reflector.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/unit/kube/fixture.hpp"

namespace conntruth::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Answer;
using tests::ScriptedServer;
using tests::ServedRequest;

std::string object(std::string_view name, int version, std::string_view uid = "u") {
  return fmt::format(R"({{"metadata":{{"name":"{}","namespace":"default","uid":"{}-{}","resourceVersion":"{}"}}}})",
                     name, uid, name, version);
}
std::string event(std::string_view type, const std::string& object) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, object) + "\n";
}
std::string bookmark(int version) {
  return fmt::format(R"({{"type":"BOOKMARK","object":{{"kind":"Service","metadata":{{"resourceVersion":"{}"}}}}}})",
                     version) +
         "\n";
}
std::string gone_event() {
  return R"({"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410}})"
         "\n";
}
Answer list_of(int version, const std::vector<std::string>& objects, const std::string& next = {}) {
  std::string items;
  for (const auto& each : objects) items += (items.empty() ? "" : ",") + each;
  return {200,
          fmt::format(R"({{"kind":"ServiceList","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})",
                      version, next, items)};
}
Answer stream(std::string lines, bool stays_open = true) {
  Answer answer{200, std::move(lines)};
  answer.stream = true;
  answer.stays_open = stays_open;
  return answer;
}
bool is_watch(const ServedRequest& request) { return request.query("watch") == "true"; }

struct Recorded {
  int version;
  std::string line;
};
// A history that has everything: additions, changes, a deletion, bookmarks, an object made anew.
std::vector<Recorded> history() {
  return {{11, event("ADDED", object("b", 11))},
          {12, event("MODIFIED", object("a", 12))},
          {13, bookmark(13)},
          {14, event("DELETED", object("b", 14))},
          {15, event("ADDED", object("b", 15, "v"))},
          {16, event("MODIFIED", object("b", 16, "v"))}};
}
const std::vector<std::string> kWhole = {"+default/a@10", "synced",        "+default/b@11", "~default/a@12",
                                         "-default/b@14", "+default/b@15", "~default/b@16"};

std::string since(int version) {
  std::string lines;
  for (const auto& each : history()) {
    if (each.version > version) lines += each.line;
  }
  return lines;
}

// Serves the history from the version that is asked for; the first watch is cut at `cut`.
ScriptedServer::Handler cut_at(std::size_t cut, std::shared_ptr<std::atomic<int>> watches) {
  return [cut, watches](const ServedRequest& request) {
    if (!is_watch(request)) return list_of(10, {object("a", 10)});
    auto answer = stream(since(std::stoi(request.query("resourceVersion"))));
    if (watches->fetch_add(1) == 0) answer.cut = cut;
    return answer;
  };
}

void expect_whole_history_when_cut_at(std::size_t cut, const std::optional<tests::Certificate>& certificate,
                                      const std::string& ca) {
  const auto watches = std::make_shared<std::atomic<int>>(0);
  const ScriptedServer server(cut_at(cut, watches), certificate);
  auto access = plain(server);
  access.tls = certificate.has_value();
  access.ca_pem = ca;
  const auto client = client_of(access);
  Recorder recorder;
  Reflector reflector(*client, kServices, {}, recorder.handlers());
  reflector.start();
  ASSERT_EQ(recorder.wait_for("~default/b@16"), kWhole) << "cut at byte " << cut;
  reflector.stop();
  EXPECT_EQ(reflector.counters().relists, 0U);
  EXPECT_EQ(reflector.counters().events, 6U);
}

TEST(Reflector, delivers_each_event_once_and_in_order_wherever_the_stream_is_cut) {
  const auto bytes = stream(since(10)).bytes().size();
  for (std::size_t cut = 0; cut <= bytes; ++cut) {
    expect_whole_history_when_cut_at(cut, std::nullopt, {});
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Reflector, survives_cuts_inside_of_tls) {
  const auto authority = tests::make_authority("ca");
  const auto certificate = tests::issue(authority, {.names = {"IP:127.0.0.1"}});
  for (std::size_t cut = 0; cut <= stream(since(10)).bytes().size(); cut += 61) {
    expect_whole_history_when_cut_at(cut, certificate, authority.certificate_pem);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// First the list `before`, a watch that `first` answers, then the list `after` and a silent watch.
struct Relist {
  std::function<Answer()> first;
  std::atomic<int> lists = 0;
  std::atomic<int> watches = 0;
  Answer operator()(const ServedRequest& request) {
    if (is_watch(request)) return watches++ == 0 ? first() : stream({});
    if (lists++ == 0) return list_of(10, {object("a", 10), object("b", 10), object("c", 10), object("d", 10)});
    return list_of(20, {object("a", 10), object("b", 19), object("d", 18, "another"), object("e", 17)});
  }
};
const std::vector<std::string> kDifference = {"+default/a@10", "+default/b@10", "+default/c@10", "+default/d@10",
                                              "synced",        "~default/b@19", "-default/d@18", "+default/d@18",
                                              "+default/e@17", "-default/c@20", "synced"};

void expect_difference(std::function<Answer()> first, const std::function<void(const ReflectorCounters&)>& check,
                       ReflectorOptions options = {}) {
  Relist relist;
  relist.first = std::move(first);
  const ScriptedServer server([&](const ServedRequest& request) { return relist(request); });
  const auto client = client_of(plain(server));
  Recorder recorder;
  Reflector reflector(*client, kServices, std::move(options), recorder.handlers());
  reflector.start();
  const auto events = recorder.wait([](const auto& seen) { return std::ranges::count(seen, "synced") == 2; });
  reflector.stop();
  EXPECT_EQ(events, kDifference);
  EXPECT_EQ(reflector.counters().relists, 1U);
  check(reflector.counters());
}

TEST(Reflector, delivers_a_difference_after_410_as_a_status) {
  expect_difference([] { return Answer{410, R"({"kind":"Status","code":410})"}; },
                    [](const auto& counters) { EXPECT_EQ(counters.gone, 1U); });
}

TEST(Reflector, delivers_a_difference_after_410_inside_of_a_stream) {
  expect_difference([] { return stream(gone_event()); }, [](const auto& counters) { EXPECT_EQ(counters.gone, 1U); });
}

TEST(Reflector, lists_again_after_a_line_that_is_too_long) {
  expect_difference([] { return stream(std::string(3000, 'x')); },
                    [](const auto& counters) { EXPECT_EQ(counters.long_lines, 1U); }, {.max_line = 2000});
}

TEST(Reflector, lists_again_after_a_line_that_it_does_not_understand) {
  for (const auto* line : {"garbage\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"NEWS\",\"object\":{}}\n",
                           "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n"})
    expect_difference([line] { return stream(line); }, [](const auto& counters) { EXPECT_EQ(counters.bad_lines, 1U); });
}

TEST(Reflector, lists_again_after_another_error_event) {
  expect_difference(
      [] {
        return stream(R"({"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd"}})"
                      "\n");
      },
      [](const auto& counters) { EXPECT_EQ(counters.gone, 0U); });
}

TEST(Reflector, goes_on_from_a_bookmark) {
  std::atomic<int> watches = 0;
  const ScriptedServer server([&](const ServedRequest& request) {
    if (!is_watch(request)) return list_of(10, {});
    if (watches++ == 0) return stream(bookmark(30), false);
    return stream(event("ADDED", object("a", 31)));
  });
  const auto client = client_of(plain(server));
  Recorder recorder;
  Reflector reflector(*client, kServices, {}, recorder.handlers());
  reflector.start();
  EXPECT_THAT(recorder.wait_for("+default/a@31"), ElementsAre("synced", "+default/a@31"));
  reflector.stop();
  EXPECT_EQ(server.requests().back().query("resourceVersion"), "30");
  EXPECT_EQ(reflector.counters().bookmarks, 1U);
}

TEST(Reflector, does_not_deliver_an_event_twice) {
  const ScriptedServer server([&](const ServedRequest& request) {
    if (!is_watch(request)) return list_of(10, {object("a", 10)});
    return stream(event("ADDED", object("a", 10)) + event("DELETED", object("x", 9)) +
                  event("MODIFIED", object("a", 11)));
  });
  const auto client = client_of(plain(server));
  Recorder recorder;
  Reflector reflector(*client, kServices, {}, recorder.handlers());
  reflector.start();
  EXPECT_THAT(recorder.wait_for("~default/a@11"), ElementsAre("+default/a@10", "synced", "~default/a@11"));
  reflector.stop();
  EXPECT_EQ(reflector.counters().duplicates, 2U);
}

TEST(Reflector, takes_a_silent_connection_for_dead) {
  std::atomic<int> watches = 0;
  const ScriptedServer server([&](const ServedRequest& request) {
    if (!is_watch(request)) return list_of(10, {});
    return watches++ == 0 ? stream({}) : stream(event("ADDED", object("a", 11)));
  });
  const auto client = client_of(plain(server));
  Recorder recorder;
  Reflector reflector(*client, kServices, {.idle = std::chrono::milliseconds(30)}, recorder.handlers());
  reflector.start();
  EXPECT_THAT(recorder.wait_for("+default/a@11"), ElementsAre("synced", "+default/a@11"));
  reflector.stop();
  EXPECT_GE(reflector.counters().cuts, 1U);
}

TEST(Reflector, lists_in_pages_and_starts_again_where_the_pages_expire) {
  std::atomic<int> expired = 0;
  const ScriptedServer server([&](const ServedRequest& request) {
    if (is_watch(request)) return stream({});
    const auto next = request.query("continue");
    if (request.query("limit").empty()) return list_of(12, {object("a", 10), object("c", 12)});
    if (next.empty()) return list_of(10, {object("a", 10)}, "p2");
    if (next == "p2") return list_of(10, {object("b", 9)}, "p3");
    ++expired;
    return Answer{410, R"({"kind":"Status","code":410})"};
  });
  const auto client = client_of(plain(server));
  Recorder recorder;
  Reflector reflector(*client, kServices, {.page = 1}, recorder.handlers());
  reflector.start();
  EXPECT_THAT(recorder.wait_for("synced"),
              ElementsAre("+default/a@10", "+default/b@9", "+default/c@12", "-default/b@12", "synced"));
  EXPECT_EQ(expired, 1);
}

TEST(Reflector, reports_trouble_and_goes_on_by_itself) {
  for (const unsigned status : {401U, 403U, 429U, 500U, 503U}) {
    std::atomic<int> count = 0;
    const ScriptedServer server([&](const ServedRequest& request) {
      if (count++ < 3) return Answer{status, R"({"kind":"Status","message":"not now"})"};
      return is_watch(request) ? stream({}) : list_of(10, {object("a", 10)});
    });
    const auto client = client_of(plain(server));
    Recorder recorder;
    Reflector reflector(*client, kServices, {}, recorder.handlers());
    reflector.start();
    EXPECT_THAT(recorder.wait_for("synced"), ElementsAre("+default/a@10", "synced"));
    EXPECT_THAT(recorder.wait_for_trouble().front(), HasSubstr(fmt::format("list services: HTTP {}: not now", status)));
  }
}

TEST(Reflector, does_not_ask_in_a_loop_where_every_watch_ends_at_once) {
  std::atomic<int> watches = 0;
  const ScriptedServer server([&](const ServedRequest& request) {
    if (!is_watch(request)) return list_of(10, {});
    return ++watches == 7 ? stream(event("ADDED", object("a", 11))) : stream({}, false);
  });
  auto options = fast();
  options.backoff.most = std::chrono::hours(1);
  const auto client = client_of(plain(server), options);
  Recorder recorder;
  Reflector reflector(*client, kServices, {}, recorder.handlers());
  const auto begin = std::chrono::steady_clock::now();
  reflector.start();
  EXPECT_THAT(recorder.wait_for("+default/a@11"), ElementsAre("synced", "+default/a@11"));
  // Six waits that double, the first of 2 ms.
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(2 + 4 + 8 + 16 + 32 + 64));
}

TEST(Reflector, stops_at_once_while_it_watches) {
  const ScriptedServer server(
      [](const ServedRequest& request) { return is_watch(request) ? stream({}) : list_of(10, {}); });
  const auto client = client_of(plain(server));
  Recorder recorder;
  Reflector reflector(*client, kServices, {}, recorder.handlers());
  reflector.start();
  recorder.wait_for("synced");
  reflector.stop();
  reflector.stop();
}

}  // namespace
}  // namespace conntruth::kube
