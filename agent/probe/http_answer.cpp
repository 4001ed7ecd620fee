#include "agent/probe/http_answer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>

namespace conntruth::probe {

namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::string_body>;

constexpr std::string_view kStart = "HTTP/1.";
constexpr std::size_t kLongestName = 253;  // of a Service or its namespace; longer ones are nobody's

std::string text_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return {};
  auto text = found->get<std::string>();
  return text.size() <= kLongestName ? text : std::string();
}

// As kube-proxy's service_health.go writes it.
void read_body(const std::string& body, HttpAnswer& answer) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return;
  if (const auto local = json.find("localEndpoints"); local != json.end() && local->is_number_unsigned())
    answer.local_endpoints = local->get<std::uint64_t>();
  const auto service = json.find("service");
  if (service == json.end() || !service->is_object()) return;
  const auto space = text_at(*service, "namespace");
  const auto name = text_at(*service, "name");
  if (!space.empty() && !name.empty()) answer.service = space + "/" + name;
}

// True where the parser took all that it could of the bytes.
bool feed(Parser& parser, std::string_view bytes, bool ended) {
  boost::beast::error_code error;
  while (!bytes.empty() && !parser.is_done()) {
    const auto used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error == http::error::need_more) break;
    if (error || used == 0) return !error;
    bytes.remove_prefix(used);
  }
  if (!ended || parser.is_done() || !parser.got_some()) return true;
  error = {};
  parser.put_eof(error);
  return !error;
}

}  // namespace

HttpProgress read_http_answer(std::string_view bytes, bool ended) {
  HttpProgress none{HttpState::kNone, {}};
  if (bytes.size() > kMostHttpBytes) return none;
  if (bytes.substr(0, kStart.size()) != kStart.substr(0, bytes.size())) return none;
  Parser parser;
  parser.eager(true);
  parser.header_limit(kMostHttpBytes);
  parser.body_limit(kMostHttpBytes);
  if (!feed(parser, bytes, ended)) return none;
  if (!parser.is_done()) return ended || bytes.size() == kMostHttpBytes ? none : HttpProgress{};
  HttpProgress whole{HttpState::kWhole, {}};
  whole.answer.status = static_cast<std::uint16_t>(parser.get().result_int());
  if (whole.answer.status < 100) return none;
  read_body(parser.get().body(), whole.answer);
  return whole;
}

std::string http_request(const SocketAddress& target, std::string_view path) {
  std::string request = "GET ";
  request += path;
  request += " HTTP/1.1\r\nHost: " + target.to_string() +
             "\r\nUser-Agent: conntruth\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  return request;
}

}  // namespace conntruth::probe
