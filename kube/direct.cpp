#include "kube/direct.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kube/kubeconfig.hpp"

namespace conntruth::kube {
namespace {

using nlohmann::json;

Access through(Access access, const SocketAddress& address) {
  if (access.tls_server_name.empty()) access.tls_server_name = access.host;
  access.host = address.address.to_string();
  access.port = address.port;
  return access;
}

std::string place_of(const Access& access) {
  return fmt::format(fmt::runtime(access.host.contains(':') ? "[{}]:{}" : "{}:{}"), access.host, access.port);
}

std::vector<SocketAddress> remembered(const std::string& path) {
  std::vector<SocketAddress> addresses;
  std::ifstream file(path);
  std::string address;
  for (std::uint16_t port = 0; file >> address >> port;) {
    if (const auto parsed = IpAddress::parse(address)) addresses.push_back({*parsed, port});
  }
  return addresses;
}

// Best effort: without it the next start takes the way through the Service.
void remember(const std::string& path, const std::vector<SocketAddress>& addresses) {
  if (path.empty() || addresses.empty()) return;
  const auto unfinished = path + ".new";
  std::ofstream file(unfinished, std::ios::trunc);
  for (const auto& [address, port] : addresses) file << address.to_string() << ' ' << port << '\n';
  file.close();
  if (file) static_cast<void>(std::rename(unfinished.c_str(), path.c_str()));
}

struct Answer {
  std::unique_ptr<Client> client;
  Response response;
};

// Any answer of the API proves that the way is good.
Result<Answer> ask(const Access& access, const ClientOptions& options, std::chrono::milliseconds within) {
  auto client = Client::make(access, options);
  if (!client) return std::unexpected(client.error());
  auto answer = (*client)->exchange(get(kEndpointSlices, "default", "kubernetes"), (*client)->deadline_in(within));
  if (!answer) return std::unexpected(answer.error());
  return Answer{std::move(*client), std::move(*answer)};
}

class Search {
 public:
  Search(const Access& access, const ClientOptions& options, const DirectOptions& direct)
      : access_(access), options_(options), direct_(direct) {}

  Result<DirectClient> run() {
    if (auto found = try_each(remembered(direct_.memory))) return std::move(*found);
    auto first = ask(access_, options_, direct_.attempt);
    if (!first) {
      failures_ += (failures_.empty() ? "" : "; ") + first.error().message;
      return fail(first.error().code == ErrorCode::kInvalidInput ? first.error().code : ErrorCode::kUnavailable,
                  "no API server answers: " + failures_);
    }
    const auto servers = servers_of(first->response.status == 200 ? first->response.body : "");
    if (auto found = try_each(servers)) return std::move(*found);
    const auto why =
        !servers.empty() ? failures_
        : first->response.status == 403
            ? std::string("the right to get endpointslices default/kubernetes is missing")
            : fmt::format("EndpointSlice default/kubernetes names no server, HTTP {}", first->response.status);
    return DirectClient{std::move(first->client), fmt::format("{}, as configured: {}", place_of(access_), why), false};
  }

 private:
  std::optional<DirectClient> try_each(const std::vector<SocketAddress>& servers) {
    for (const auto& server : servers) {
      const auto access = through(access_, server);
      auto answer = ask(access, options_, direct_.attempt);
      if (!answer) {
        failures_ += (failures_.empty() ? "" : "; ") + answer.error().message;
        continue;
      }
      if (answer->response.status == 200) remember(direct_.memory, servers_of(answer->response.body));
      return DirectClient{std::move(answer->client), place_of(access), true};
    }
    return std::nullopt;
  }

  const Access& access_;
  const ClientOptions& options_;
  const DirectOptions& direct_;
  std::string failures_;
};

}  // namespace

Result<Access> with_server(Access access, const std::string& url) {
  access.tls_server_name.clear();
  if (auto read = read_server(url, access); !read) return std::unexpected(read.error().in("--api-server"));
  return access;
}

Result<DirectClient> connect_directly(const Access& access, const ClientOptions& options, const DirectOptions& direct) {
  if (direct.url.empty()) return Search(access, options, direct).run();
  const auto fixed = with_server(access, direct.url);
  if (!fixed) return std::unexpected(fixed.error());
  auto answer = ask(*fixed, options, direct.attempt);
  if (!answer) return std::unexpected(answer.error());
  return DirectClient{std::move(answer->client), place_of(*fixed) + ", as --api-server says", true};
}

std::vector<SocketAddress> servers_of(const std::string& slice) {
  const auto parsed = json::parse(slice, nullptr, false);
  std::vector<SocketAddress> servers;
  if (!parsed.is_object()) return servers;
  try {
    for (const auto& port : parsed.value("ports", json::array())) {
      const auto number = port.value("port", 0);
      if (number <= 0 || number > UINT16_MAX) continue;
      for (const auto& endpoint : parsed.value("endpoints", json::array())) {
        for (const auto& text : endpoint.value("addresses", json::array())) {
          const auto address = IpAddress::parse(text.get<std::string>());
          if (address) servers.push_back({*address, static_cast<std::uint16_t>(number)});
        }
      }
    }
  } catch (const json::exception&) {
    servers.clear();
  }
  return servers;
}

}  // namespace conntruth::kube
