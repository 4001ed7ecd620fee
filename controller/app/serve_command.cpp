#include "controller/app/serve_command.hpp"

#include <fmt/core.h>
#include <pthread.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "common/file.hpp"
#include "controller/app/run_desk.hpp"
#include "controller/app/run_session.hpp"
#include "controller/cluster/cluster_dns.hpp"
#include "controller/cluster/cluster_environment.hpp"
#include "controller/cluster/run_key.hpp"
#include "controller/http/api.hpp"
#include "controller/kube/agent_admission.hpp"
#include "kube/access.hpp"
#include "kube/direct.hpp"

namespace conntruth::app {
namespace {

Result<std::vector<Prefix>> prefixes(const std::vector<std::string>& texts, const std::string& flag) {
  std::vector<Prefix> result;
  for (const auto& text : texts) {
    const auto prefix = Prefix::parse(text);
    if (!prefix) return std::unexpected(prefix.error().in(flag));
    result.push_back(*prefix);
  }
  return result;
}

Status read_node_ports(const std::string& text, cluster::TopologyOptions& into) {
  const auto* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, into.node_port_first);
  const bool dash = first.ec == std::errc() && first.ptr != end && *first.ptr == '-';
  const auto last = dash ? std::from_chars(first.ptr + 1, end, into.node_port_last) : first;
  if (dash && last.ec == std::errc() && last.ptr == end && into.node_port_first > 0 &&
      into.node_port_first <= into.node_port_last)
    return {};
  return fail(ErrorCode::kInvalidInput, fmt::format("--node-ports: \"{}\" is no range such as 30000-32767", text));
}

Result<cluster::ClusterOptions> options_of(const ServeRequest& request) {
  cluster::ClusterOptions options;
  options.system_namespace = request.system_namespace;
  options.holder = request.pod;
  options.slowness = request.slowness;
  options.admission = !request.plaintext;
  auto& topology = options.topology;
  topology.name = request.cluster;
  topology.anchors = request.anchors;
  auto services = prefixes(request.service_ranges, "--service-range");
  if (!services) return std::unexpected(services.error());
  auto external = prefixes(request.external_ips, "--external-ips");
  if (!external) return std::unexpected(external.error());
  auto balanced = prefixes(request.load_balancer_ips, "--load-balancer-ips");
  if (!balanced) return std::unexpected(balanced.error());
  topology.service_ranges = std::move(*services);
  topology.external_ips = std::move(*external);
  topology.load_balancers = std::move(*balanced);
  // A controller outside of the cluster has none, or its host's: then nobody is asked.
  if (const auto text = read_file(request.resolv_conf)) topology.dns = cluster::read_resolv_conf(*text);
  if (auto read = read_node_ports(request.node_ports, topology); !read) return std::unexpected(read.error());
  return options;
}

// Past the API server's own Service, which is part of what is judged.
Result<std::unique_ptr<kube::Client>> connect(const ServeRequest& request) {
  auto query = kube::AccessQuery::from_environment();
  query.kubeconfig = request.kubeconfig;
  query.context = request.context;
  const auto access = kube::find_access(query);
  if (!access) return std::unexpected(access.error());
  auto found = kube::connect_directly(*access, {},
                                      {request.api_server, store::default_directory().parent_path() / "api-servers"});
  if (!found) return std::unexpected(found.error());
  fmt::print(stderr, "conntruth: the API server is {}\n", found->by);
  return std::move(found->client);
}

class Controller {
 public:
  Controller(const ServeRequest& request, const IpAddress& address, cluster::ClusterOptions options,
             kube::Client& client)
      : request_(request), address_(address), options_(std::move(options)), client_(client) {}

  // One run, on the desk's thread.
  Result<report::Report> carry_out(const RunRequest& request, const std::string& id, Progress& progress,
                                   const std::atomic<bool>& interrupted) {
    progress.step("reading the cluster", 0);
    auto options = options_;
    options.workloads = request.workloads;
    options.reading = request.options.reading.existing;
    auto environment = cluster::ClusterEnvironment::open(client_, std::move(options));
    if (!environment) return std::unexpected(environment.error());
    const auto target = SocketAddress{address_, request_.agents_port}.to_string();
    RunSession session{**environment, fleet_options(), target, target, progress, interrupted};
    return carry_out_run(session, request, store::RunStore(), id);
  }

 private:
  fleet::FleetOptions fleet_options() {
    fleet::FleetOptions options;
    options.security.plaintext_lab = request_.plaintext;
    if (request_.plaintext) return options;
    options.security.certificate_file = request_.tls_directory + "/tls.crt";
    options.security.key_file = request_.tls_directory + "/tls.key";
    options.admit = [this](const std::string& token, const std::string& node) {
      kube::AgentIdentity identity;
      identity.user = fmt::format("system:serviceaccount:{}:conntruth-agent", options_.system_namespace);
      return kube::admit_agent(client_, identity, token, node);
    };
    return options;
  }

  const ServeRequest& request_;
  IpAddress address_;
  cluster::ClusterOptions options_;
  kube::Client& client_;
};

// Blocked in every thread from here on, taken by wait().
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() const {
    int number = 0;
    sigwait(&set_, &number);
  }
  // True where one came; it is taken then, too.
  [[nodiscard]] bool came_within(std::chrono::seconds duration) const {
    const timespec limit{duration.count(), 0};
    return sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_{};
};

// Longer than the Lease of a run that was killed lives on.
constexpr std::chrono::seconds kOthersLease{40};
constexpr std::chrono::seconds kBetweenTries{1};

// What an earlier life of this pod, or another one that was killed, left in the cluster. The Lease of another pod
// counts until it runs out: only then it is known that nobody is at work there. False: told to end meanwhile.
bool remove_leftovers(kube::Client& client, const std::string& system_namespace, const std::string& holder,
                      const EndSignals& signals) {
  const auto deadline = client.deadline_in(kOthersLease);
  auto swept = cluster::sweep_leftovers(client, system_namespace, holder);
  const auto again = [&] {
    return !swept && swept.error().code == ErrorCode::kConflict && client.deadline_in(kBetweenTries) < deadline;
  };
  if (again()) fmt::print(stderr, "conntruth: waiting for another controller's end: {}\n", swept.error().message);
  while (again()) {
    if (signals.came_within(kBetweenTries)) return false;
    swept = cluster::sweep_leftovers(client, system_namespace, holder);
  }
  if (!swept) {
    fmt::print(stderr, "conntruth: what an earlier run left stays for now: {}\n", swept.error().message);
  } else if (*swept) {
    fmt::print(stderr, "conntruth: removed what an earlier run left in the cluster\n");
  }
  return true;
}

}  // namespace

Status serve(const ServeRequest& request) {
  auto options = options_of(request);
  if (!options) return std::unexpected(options.error());
  const auto address = IpAddress::parse(request.address);
  if (!address) return std::unexpected(address.error().in("--address ($POD_IP)"));
  if (request.pod.empty())
    return fail(ErrorCode::kInvalidInput, "--pod ($POD_NAME): missing; it names who holds Leases");
  const EndSignals signals;
  auto client = connect(request);
  if (!client) return std::unexpected(client.error());
  options->owner = cluster::install_owner(**client, request.system_namespace);
  auto key = cluster::ensure_run_key(**client, request.system_namespace, options->owner);
  if (!key) return std::unexpected(key.error());
  if (!remove_leftovers(**client, request.system_namespace, request.pod, signals)) return {};

  Controller controller(request, *address, std::move(*options), **client);
  RunDesk desk(store::RunStore(), request.keep,
               [&controller](const RunRequest& wish, const std::string& id, Progress& progress,
                             const std::atomic<bool>& interrupted) {
                 return controller.carry_out(wish, id, progress, interrupted);
               });
  const http::Api api(desk, std::move(*key));
  const auto server = http::Server::start({*address, request.http_port}, {},
                                          [&api](const http::Request& asked) { return api.handle(asked); });
  if (!server) return std::unexpected(server.error());
  fmt::print(stderr, "conntruth: serving on {}\n", SocketAddress{*address, (*server)->port()}.to_string());
  signals.wait();
  fmt::print(stderr, "conntruth: told to end\n");
  return {};
}

}  // namespace conntruth::app
