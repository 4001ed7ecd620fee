// The server against bytes of every kind: limits, time-outs, streams, and that one client's trouble is nobody else's.
#include "controller/http/server.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <random>

#include "tests/unit/controller/http/raw_client.hpp"

namespace conntruth::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::unique_ptr<Server> serve(Server::Handler handler, ServerOptions options = {}) {
  auto server = Server::start({IpAddress::v4({127, 0, 0, 1}), 0}, options, std::move(handler));
  EXPECT_TRUE(server) << server.error().message;
  return server ? std::move(*server) : nullptr;
}

Reply echo(const Request& request) {
  auto text = fmt::format("{} {}", request.method, request.path);
  for (const auto& [name, value] : request.query) text += fmt::format(" {}={}", name, value);
  return {200, "text/plain", text + " " + request.body, {}, 0};
}

std::string answer(const Server& server, std::string_view bytes) {
  RawClient client(server.port());
  client.send(bytes);
  return client.all();
}

std::string get(std::string_view target) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target);
}

TEST(HttpServer, gives_path_query_and_body_to_its_handler) {
  const auto server = serve(echo);
  const auto text = answer(*server,
                           "POST /v1/runs?a=b%20c&d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                           "Content-Length: 4\r\n\r\nbody");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(text, HasSubstr("POST /v1/runs a=b c d= body"));
}

TEST(HttpServer, answers_several_requests_on_one_connection) {
  const auto server = serve(echo);
  RawClient client(server->port());
  client.send("GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.until("GET /one"), HasSubstr("GET /one"));
  client.send(get("/two"));
  EXPECT_THAT(client.all(), HasSubstr("GET /two"));
}

TEST(HttpServer, refuses_a_body_beyond_its_limit_with_413) {
  ServerOptions options;
  options.body_bytes = 100;
  const auto server = serve(echo, options);
  RawClient client(server->port());
  client.send(fmt::format("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{}", std::string(5000, 'x')));
  EXPECT_THAT(client.until("too large"), StartsWith("HTTP/1.1 413"));
}

TEST(HttpServer, refuses_a_head_beyond_its_limit_with_431) {
  ServerOptions options;
  options.head_bytes = 1000;
  const auto server = serve(echo, options);
  RawClient client(server->port());
  client.send(fmt::format("GET / HTTP/1.1\r\nX: {}\r\n\r\n", std::string(5000, 'x')));
  EXPECT_THAT(client.until("too large"), StartsWith("HTTP/1.1 431"));
}

TEST(HttpServer, ends_connections_that_do_not_finish_what_they_began) {
  ServerOptions options;
  options.head_within = std::chrono::milliseconds(50);
  options.body_within = std::chrono::milliseconds(50);
  const auto server = serve(echo, options);
  for (const auto* bytes : {"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"}) {
    RawClient client(server->port());
    client.send(bytes);
    client.all();
    EXPECT_TRUE(client.closed()) << bytes;
  }
}

TEST(HttpServer, turns_away_more_connections_than_it_may_have) {
  ServerOptions options;
  options.connections = 2;
  const auto server = serve(echo, options);
  RawClient first(server->port());
  RawClient second(server->port());
  first.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  second.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(first.until("/a"), HasSubstr("200"));
  EXPECT_THAT(second.until("/b"), HasSubstr("200"));
  RawClient third(server->port());
  EXPECT_THAT(third.until("too many"), StartsWith("HTTP/1.1 503"));
}

TEST(HttpServer, streams_events_from_where_it_is_asked_to_and_ends_with_the_log) {
  const auto log = std::make_shared<EventLog>();
  log->append("note", "one");
  log->append("note", "two");
  const auto server = serve([&](const Request&) {
    Reply reply;
    reply.events = log;
    reply.after = 1;
    return reply;
  });
  RawClient client(server->port());
  client.send(get("/events"));
  EXPECT_THAT(client.until("two\n\n"), HasSubstr("text/event-stream"));
  log->append("end", "{}");
  log->close();
  const auto text = client.all();
  EXPECT_TRUE(client.closed());
  EXPECT_THAT(text, HasSubstr("id: 2\nevent: note\ndata: two\n\nid: 3\nevent: end\ndata: {}\n\n"));
  EXPECT_EQ(text.find("one"), std::string::npos);
}

TEST(HttpServer, says_in_a_silent_stream_that_it_is_still_here) {
  ServerOptions options;
  options.heartbeat = std::chrono::milliseconds(1);
  const auto log = std::make_shared<EventLog>();
  const auto server = serve(
      [&](const Request&) {
        Reply reply;
        reply.events = log;
        return reply;
      },
      options);
  RawClient client(server->port());
  client.send(get("/events"));
  EXPECT_THAT(client.until(": still here"), HasSubstr(": still here\n\n"));
}

TEST(HttpServer, ends_with_streams_and_idle_connections_open) {
  const auto log = std::make_shared<EventLog>();
  auto server = serve([&](const Request&) {
    Reply reply;
    reply.events = log;
    return reply;
  });
  RawClient stream(server->port());
  RawClient idle(server->port());
  stream.send(get("/events"));
  stream.until("event-stream");
  server.reset();
  stream.all();
  idle.all();
  EXPECT_TRUE(stream.closed());
  EXPECT_TRUE(idle.closed());
}

TEST(HttpServer, a_client_that_goes_away_disturbs_nobody) {
  const auto log = std::make_shared<EventLog>();
  const auto server = serve([&](const Request& request) {
    if (request.path != "/events") return echo(request);
    Reply reply;
    reply.events = log;
    return reply;
  });
  for (int i = 0; i < 20; ++i) {
    RawClient gone(server->port());
    gone.send(get("/events"));
  }
  for (int i = 0; i < 100; ++i) log->append("note", std::string(10000, 'x'));
  EXPECT_THAT(answer(*server, get("/here")), HasSubstr("GET /here"));
}

TEST(HttpServer, survives_bytes_that_are_no_request) {
  ServerOptions options;
  options.head_within = std::chrono::milliseconds(200);
  const auto server = serve(echo, options);
  std::minstd_rand random(4711);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = round % 2 == 0 ? "" : get("/x?%zz");
    for (auto& each : bytes) {
      if (random() % 8 == 0) each = static_cast<char>(random());
    }
    for (int i = 0; i < 40 && round % 2 == 0; ++i) bytes += static_cast<char>(random());
    RawClient client(server->port());
    client.send(bytes + "\r\n\r\n");
  }
  EXPECT_THAT(answer(*server, get("/alive")), HasSubstr("GET /alive"));
}

TEST(HttpServer, names_an_address_that_is_taken) {
  const auto server = serve(echo);
  const auto second = Server::start({IpAddress::v4({127, 0, 0, 1}), server->port()}, {}, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST(Target, is_a_path_with_a_query_and_nothing_else) {
  const auto read = read_target("/a%2Fb/c?x=1&y=%26&&z");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->path, "/a/b/c");
  EXPECT_EQ(read->query.at("y"), "&");
  EXPECT_EQ(read->query.at("z"), "");
  for (const auto* bad : {"", "*", "http://x/", "/%", "/%4", "/%zz", "/a?b=%"}) EXPECT_FALSE(read_target(bad)) << bad;
}

TEST(EventLog, gives_pages_above_a_number_and_waits_for_more) {
  EventLog log;
  auto waiting = std::async(std::launch::async,
                            [&] { return log.above(0, std::chrono::steady_clock::now() + std::chrono::seconds(10)); });
  log.append("note", "x");
  EXPECT_EQ(waiting.get().events.size(), 1U);
  log.replace_last("progress", "1");
  log.replace_last("progress", "2");
  const auto page = log.above(1, std::chrono::steady_clock::now());
  ASSERT_EQ(page.events.size(), 1U);
  EXPECT_EQ(page.events[0].data, "2");
  log.close();
  log.append("note", "late");
  EXPECT_TRUE(log.above(3, std::chrono::steady_clock::now()).events.empty());
  EXPECT_TRUE(log.above(3, std::chrono::steady_clock::now()).closed);
}

}  // namespace
}  // namespace conntruth::http
