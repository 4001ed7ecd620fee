// The words of the shorthand and their addresses.
#include <fmt/core.h>

#include <sstream>
#include <stdexcept>

#include "tests/unit/controller/oracle/shorthand.hpp"

namespace conntruth::oracle::shorthand {
namespace {

IpAddress parse(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address) bad("no address: " + text);
  return *address;
}

IpAddress pick(Family family, const std::string& v4, const std::string& v6) {
  return parse(family == Family::kIpv4 ? v4 : v6);
}

// "vip2" -> 2; "vip" -> 1.
int ordinal(const std::string& token, std::size_t from) {
  return token.size() > from ? std::stoi(token.substr(from)) : 1;
}

}  // namespace

void bad(const std::string& what) { throw std::invalid_argument("oracle case: " + what); }

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

IpAddress address_of(const std::string& token, Family family) {
  const auto host = [](int number) { return fmt::format("{:x}", number); };
  if (token == "free") return pick(family, "10.96.200.200", "fd00:96::c8c8");
  if (token.starts_with("vip"))
    return pick(family, fmt::format("10.96.0.{}", 10 * ordinal(token, 3)), "fd00:96::" + host(10 * ordinal(token, 3)));
  if (token.starts_with("ext"))
    return pick(family, fmt::format("203.0.113.{}", 10 * ordinal(token, 3)),
                "2001:db8:e::" + host(10 * ordinal(token, 3)));
  if (token.starts_with("lb"))
    return pick(family, fmt::format("198.51.100.{}", 10 * ordinal(token, 2)),
                "2001:db8:1b::" + host(10 * ordinal(token, 2)));
  if (token.size() < 2) bad("no address token: " + token);
  const int number = 10 + (token[1] - '0');
  if (token[0] == 'x') return pick(family, fmt::format("192.0.2.{}", number), "2001:db8:c::" + host(number));
  if (token[0] == 'm') return pick(family, fmt::format("172.31.1.{}", number), "fd31:1::" + host(number));
  if (token[0] != 'n') bad("no address token: " + token);
  if (token.size() == 2) return pick(family, fmt::format("172.31.0.{}", number), "fd31::" + host(number));
  const int pod = 10 + std::stoi(token.substr(3));
  return pick(family, fmt::format("10.244.{}.{}", token[1], pod), fmt::format("fd44:0:0:{}::{:x}", token[1], pod));
}

SocketAddress socket_address(const std::string& word, Family family) {
  const auto colon = word.rfind(':');
  return {address_of(word.substr(0, colon), family), port_number(word.substr(colon + 1))};
}

std::uint16_t port_number(const std::string& text) { return static_cast<std::uint16_t>(std::stoi(text)); }

std::string node_name(const std::string& digits) { return "node-" + digits; }

}  // namespace conntruth::oracle::shorthand
