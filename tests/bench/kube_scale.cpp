// What the API client costs on a big cluster: lists all Nodes, Services and EndpointSlices of generated ones over TLS,
// then follows changes of EndpointSlices, and prints one line of JSON. The server is a process of its own, so memory
// and CPU are the client's alone.
//
//   bench_kube_scale [--nodes 5000] [--services 10000] [--endpoints 250] [--changes 10000]

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <vector>

#include "kube/client.hpp"
#include "kube/reflector.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/scripted_server.hpp"

namespace conntruth::kube {
namespace {

using Clock = std::chrono::steady_clock;

struct Size {
  unsigned nodes = 5000;
  unsigned services = 10000;
  unsigned endpoints = 250;  // of each Service
  unsigned changes = 10000;  // of EndpointSlices, after the lists
};

constexpr unsigned kPerSlice = 100;  // --max-endpoints-per-slice of kube-controller-manager

// ---- the server's objects, as an API server prints them ----

std::string metadata(const std::string& name, unsigned version, std::string_view labels) {
  return fmt::format(
      R"("metadata":{{"name":"{0}","namespace":"default","uid":"{1:08x}-6a5c-4b0e-9f5e-{2:012x}","resourceVersion":"{1}",)"
      R"("creationTimestamp":"2026-01-01T00:00:00Z","labels":{{{3}}},"managedFields":[{{"manager":"kube-controller-manager",)"
      R"("operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{}}}}]}})",
      name, version, std::hash<std::string>()(name) & 0xffff'ffff'ffffULL, labels);
}

std::string node(unsigned index) {
  return fmt::format(
      R"({{{},"spec":{{"podCIDR":"10.{}.{}.0/24"}},"status":{{"addresses":[{{"type":"InternalIP","address":"172.16.{}.{}"}},)"
      R"({{"type":"Hostname","address":"node-{}"}}],"conditions":[{{"type":"Ready","status":"True"}}]}}}})",
      metadata(fmt::format("node-{}", index), index + 1, R"("topology.kubernetes.io/zone":"a")"), index / 256,
      index % 256, index / 256, index % 256, index);
}

std::string service(unsigned index) {
  return fmt::format(
      R"({{{},"spec":{{"type":"ClusterIP","clusterIPs":["10.96.{}.{}"],"ipFamilies":["IPv4"],"selector":{{"app":"{}"}},)"
      R"("ports":[{{"name":"http","protocol":"TCP","port":80,"targetPort":8080}}],"internalTrafficPolicy":"Cluster"}},)"
      R"("status":{{"loadBalancer":{{}}}}}})",
      metadata(fmt::format("service-{}", index), index + 1, ""), index / 256, index % 256, index);
}

std::string slice(const Size& size, unsigned index, unsigned version) {
  const auto each = (size.endpoints + kPerSlice - 1) / kPerSlice;
  const auto number = index % each;
  const auto count = std::min(kPerSlice, size.endpoints - number * kPerSlice);
  std::string endpoints;
  for (unsigned i = 0; i < count; ++i) {
    endpoints += fmt::format(
        R"({}{{"addresses":["10.{}.{}.{}"],"conditions":{{"ready":true,"serving":true,"terminating":false}},"nodeName":"node-{}",)"
        R"("zone":"a","targetRef":{{"kind":"Pod","namespace":"default","name":"pod-{}-{}","uid":"{:08x}-0000-4000-8000-000000000000"}}}})",
        i == 0 ? "" : ",", index % 256, i, version % 256, (index + i) % size.nodes, index, i, index * kPerSlice + i);
  }
  const auto labels = fmt::format(
      R"("kubernetes.io/service-name":"service-{}","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io")",
      index / each);
  return fmt::format(
      R"({{{},"addressType":"IPv4","endpoints":[{}],"ports":[{{"name":"http","protocol":"TCP","port":8080}}]}})",
      metadata(fmt::format("service-{}-{}", index / each, number), version, labels), endpoints);
}

unsigned slices_of(const Size& size) { return size.services * ((size.endpoints + kPerSlice - 1) / kPerSlice); }

// ---- the server ----

unsigned number_in(const tests::ServedRequest& request, std::string_view name, unsigned otherwise) {
  const auto at = request.target.find(std::string(name) + "=");
  return at == std::string::npos ? otherwise
                                 : static_cast<unsigned>(std::stoul(request.target.substr(at + name.size() + 1)));
}

template <typename Make>
tests::Answer page(const tests::ServedRequest& request, unsigned count, Make make) {
  const auto first = number_in(request, "continue", 0);
  const auto end = std::min(count, first + number_in(request, "limit", count));
  std::string items;
  for (auto i = first; i < end; ++i) {
    if (i > first) items += ",";
    items += make(i);
  }
  const auto next = end < count ? fmt::format(R"(,"continue":"{}")", end) : "";
  return {200, fmt::format(R"({{"metadata":{{"resourceVersion":"{}"{}}},"items":[{}]}})", count, next, items)};
}

tests::Answer changes(const Size& size) {
  tests::Answer answer{200, ""};
  const auto count = slices_of(size);
  for (unsigned i = 0; i < size.changes; ++i)
    answer.body += fmt::format(R"({{"type":"MODIFIED","object":{}}})", slice(size, i % count, count + 1 + i)) + "\n";
  answer.stream = true;
  answer.stays_open = true;
  return answer;
}

tests::Answer answer(const Size& size, const tests::ServedRequest& request) {
  const bool watching = request.target.find("watch=") != std::string::npos;
  if (request.target.find("/endpointslices") != std::string::npos) {
    return watching ? changes(size) : page(request, slices_of(size), [&](unsigned i) { return slice(size, i, i + 1); });
  }
  if (watching) return {.status = 200, .body = "", .stream = true, .stays_open = true};
  return request.target.find("/nodes") != std::string::npos ? page(request, size.nodes, node)
                                                            : page(request, size.services, service);
}

// Runs until its parent ends; writes its port into `out`.
[[noreturn]] void serve(const Size& size, const tests::Certificate& certificate, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const tests::ScriptedServer server([&size](const auto& request) { return answer(size, request); }, certificate);
  const auto port = server.port();
  if (write(out, &port, sizeof(port)) != sizeof(port)) _exit(1);
  while (true) pause();
}

// ---- the client ----

struct Kind {
  Resource resource;
  unsigned objects;  // of the list
  unsigned changes;
};

class Follower {
 public:
  Follower(Client& client, std::vector<Kind> kinds) {
    for (const auto& kind : kinds) {
      left_ += kind.objects + kind.changes;
      reflectors_.push_back(std::make_unique<Reflector>(client, kind.resource, ReflectorOptions{}, handlers()));
    }
  }
  void start() {
    for (auto& each : reflectors_) each->start();
  }
  // The first word of what went wrong, or nothing once everything has come.
  std::string wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return left_ <= 0 || !trouble_.empty(); });
    return trouble_;
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  ReflectorHandlers handlers() {
    return {[this](const ObjectEvent& event) {
              bytes_ += event.object.size();
              const std::lock_guard lock(mutex_);
              if (--left_ == 0) changed_.notify_all();
            },
            [] {},
            [this](const Error& error) {
              const std::lock_guard lock(mutex_);
              trouble_ = error.message;
              changed_.notify_all();
            }};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t left_ = 0;
  std::string trouble_;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::vector<std::unique_ptr<Reflector>> reflectors_;
};

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int measure(const Size& size, const Access& access) {
  auto client = Client::make(access, {});
  if (!client) {
    std::fprintf(stderr, "bench_kube_scale: %s\n", client.error().message.c_str());
    return 1;
  }
  const auto begin = Clock::now();
  Follower follower(
      **client,
      {{kNodes, size.nodes, 0}, {kServices, size.services, 0}, {kEndpointSlices, slices_of(size), size.changes}});
  follower.start();
  if (const auto trouble = follower.wait(); !trouble.empty()) {
    std::fprintf(stderr, "bench_kube_scale: %s\n", trouble.c_str());
    return 1;
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      R"({{"nodes":{},"services":{},"endpointSlices":{},"endpoints":{},"changes":{},"objectMiB":{:.1f},"seconds":{:.2f},"cpuSeconds":{:.2f},"peakMiB":{:.1f}}})"
      "\n",
      size.nodes, size.services, slices_of(size), size.services * size.endpoints, size.changes,
      static_cast<double>(follower.bytes()) / 1048576, took.count(), cpu_seconds(usage),
      static_cast<double>(usage.ru_maxrss) / 1024);
  return 0;
}

}  // namespace
}  // namespace conntruth::kube

int main(int argc, char** argv) {
  namespace kube = conntruth::kube;
  kube::Size size;
  CLI::App cli("What the API client costs on a big cluster");
  cli.add_option("--nodes", size.nodes)->check(CLI::Range(1U, 100'000U))->capture_default_str();
  cli.add_option("--services", size.services)->check(CLI::Range(1U, 100'000U))->capture_default_str();
  cli.add_option("--endpoints", size.endpoints, "of each Service")
      ->check(CLI::Range(1U, 5'000U))
      ->capture_default_str();
  cli.add_option("--changes", size.changes, "of EndpointSlices, after the lists")->capture_default_str();
  CLI11_PARSE(cli, argc, argv);

  const auto authority = conntruth::tests::make_authority("bench");
  const auto certificate = conntruth::tests::issue(authority, {.names = {"IP:127.0.0.1"}});
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return 1;
  if (fork() == 0) kube::serve(size, certificate, ends[1]);
  kube::Access access;
  access.origin = "generated cluster";
  access.host = "127.0.0.1";
  access.ca_pem = authority.certificate_pem;
  if (read(ends[0], &access.port, sizeof(access.port)) != sizeof(access.port)) return 1;
  return kube::measure(size, access);
}
