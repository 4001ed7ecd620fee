#include "controller/cluster/cluster_dns.hpp"

#include <algorithm>
#include <sstream>
#include <string>

namespace conntruth::cluster {
namespace {

void add_server(const std::string& text, ClusterDns& dns) {
  const auto address = IpAddress::parse(text);
  if (!address) return;
  const auto of_family = [&](const IpAddress& each) { return each.family() == address->family(); };
  if (std::ranges::none_of(dns.servers, of_family)) dns.servers.push_back(*address);
}

}  // namespace

ClusterDns read_resolv_conf(std::string_view text) {
  constexpr std::string_view kServices = "svc.";
  ClusterDns dns;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "nameserver" && words >> word) add_server(word, dns);
    if (word != "search") continue;
    while (words >> word) {
      if (word.starts_with(kServices)) dns.domain = word.substr(kServices.size());
    }
  }
  if (dns.domain.ends_with('.')) dns.domain.pop_back();
  return dns.domain.empty() ? ClusterDns{} : dns;
}

}  // namespace conntruth::cluster
