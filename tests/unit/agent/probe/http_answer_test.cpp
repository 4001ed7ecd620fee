// What an HTTP answer says, and what is none.
#include "agent/probe/http_answer.hpp"

#include <gtest/gtest.h>

namespace conntruth::probe {
namespace {

std::string response(std::string_view status, const std::string& body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// As kube-proxy writes it.
const std::string kBody = R"({
	"service": {
		"namespace": "conntruth",
		"name": "web"
	},
	"localEndpoints": 2,
	"serviceProxyHealthy": true
})";

TEST(HttpAnswer, of_a_health_check_node_port_tells_endpoints_and_service) {
  const auto progress = read_http_answer(response("200 OK", kBody), false);
  EXPECT_EQ(progress.state, HttpState::kWhole);
  EXPECT_EQ(progress.answer, (HttpAnswer{200, 2, "conntruth/web"}));
}

TEST(HttpAnswer, without_the_fields_is_whole_all_the_same) {
  for (const auto* body : {"", "{}", "ok", "[1]", R"({"localEndpoints":-1,"service":3})",
                           R"({"localEndpoints":1.5,"service":{"name":"web"}})"}) {
    const auto progress = read_http_answer(response("503 Service Unavailable", body), false);
    EXPECT_EQ(progress.state, HttpState::kWhole) << body;
    EXPECT_EQ(progress.answer, (HttpAnswer{503, std::nullopt, ""})) << body;
  }
}

TEST(HttpAnswer, goes_on_until_its_last_byte) {
  const auto whole = response("200 OK", kBody);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto part = std::string_view(whole).substr(0, size);
    EXPECT_EQ(read_http_answer(part, false).state, HttpState::kMore) << size;
    EXPECT_EQ(read_http_answer(part, true).state, HttpState::kNone) << size;
  }
}

TEST(HttpAnswer, may_end_with_its_connection_or_come_in_chunks) {
  const auto open_end = read_http_answer("HTTP/1.0 200 OK\r\n\r\n" + kBody, true);
  EXPECT_EQ(open_end.answer, (HttpAnswer{200, 2, "conntruth/web"}));
  EXPECT_EQ(read_http_answer("HTTP/1.0 200 OK\r\n\r\n" + kBody, false).state, HttpState::kMore);
  const auto chunked = read_http_answer(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n{\"localEndpoints\": 12\r\n1\r\n}\r\n0\r\n\r\n",
      false);
  EXPECT_EQ(chunked.answer, (HttpAnswer{200, 12, ""}));
}

TEST(HttpAnswer, is_none_where_something_else_came) {
  for (const auto* bytes : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc OK\r\n\r\n", "\x16\x03\x01\x02",
                            "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"}) {
    EXPECT_EQ(read_http_answer(bytes, false).state, HttpState::kNone) << bytes;
  }
  EXPECT_EQ(read_http_answer("", true).state, HttpState::kNone);
}

TEST(HttpAnswer, is_none_beyond_its_limit) {
  std::string endless = "HTTP/1.1 200 OK\r\n";
  while (endless.size() < kMostHttpBytes) endless += "X-Filler: 0123456789\r\n";
  endless.resize(kMostHttpBytes);
  EXPECT_EQ(read_http_answer(endless, false).state, HttpState::kNone);
  EXPECT_EQ(read_http_answer(endless.substr(0, kMostHttpBytes / 2), false).state, HttpState::kMore);
}

TEST(HttpRequest, names_its_host_as_a_url_would) {
  const auto request = http_request({IpAddress::parse("fd31::b").value(), 32000}, "/healthz");
  EXPECT_TRUE(request.starts_with("GET /healthz HTTP/1.1\r\nHost: [fd31::b]:32000\r\n")) << request;
  EXPECT_TRUE(request.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace conntruth::probe
