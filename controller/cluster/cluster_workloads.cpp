#include "controller/cluster/cluster_workloads.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "common/world/world_reader.hpp"
#include "controller/kube/world_writer.hpp"
#include "kube/listing.hpp"

namespace conntruth::cluster {
namespace {

constexpr std::string_view kNamespace = "conntruth";
constexpr std::string_view kOwnDeployment = "conntruth-controller";
constexpr std::uint32_t kPage = 500;

std::string ours() { return fmt::format("{}={},{}", kube::kManagedByLabel, kube::kManagedBy, kWorkloadLabel); }

std::int64_t monotonic_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string name_in(const std::string& key) { return key.substr(key.find('/') + 1); }

// Objects of one kind as one List.
std::string list_of(std::string_view kind, const std::vector<std::string>& objects) {
  return fmt::format(R"({{"kind":"{}List","items":[{}]}})", kind, fmt::join(objects, ",\n"));
}

Result<world::EndpointSlice> read_slice(std::string_view object) {
  auto world = world::read_world(list_of("EndpointSlice", {std::string(object)}), "EndpointSlices of the cluster");
  if (!world) return std::unexpected(world.error());
  if (world->slices.empty()) return fail(ErrorCode::kInvalidInput, "an EndpointSlice of addresses that are names");
  return std::move(world->slices.front());
}

}  // namespace

Result<std::unique_ptr<ClusterWorkloads>> ClusterWorkloads::open(kube::Client& client,
                                                                 const std::string& system_namespace,
                                                                 std::vector<std::string> hosts) {
  const auto own = client.call(kube::get(kube::kDeployments, system_namespace, kOwnDeployment));
  if (!own) return std::unexpected(own.error().in("which image the controller runs"));
  auto image = image_of(own->body);
  if (!image) return std::unexpected(image.error());
  return std::unique_ptr<ClusterWorkloads>(new ClusterWorkloads(client, std::move(*image), std::move(hosts)));
}

void ClusterWorkloads::observe(const kube::Resource& resource,
                               void (ClusterWorkloads::*take)(const kube::ObjectEvent&)) {
  kube::ReflectorOptions options;
  options.namespace_name = kNamespace;
  options.selector = ours();
  kube::ReflectorHandlers handlers;
  handlers.on_event = [this, take](const kube::ObjectEvent& event) {
    {
      const std::lock_guard lock(mutex_);
      (this->*take)(event);
    }
    wake_();
  };
  handlers.on_synced = [this] {
    const std::lock_guard lock(mutex_);
    sight_.watching.clear();
  };
  handlers.on_trouble = [this](const Error& error) {
    {
      const std::lock_guard lock(mutex_);
      sight_.watching = error.message;
    }
    wake_();
  };
  reflectors_.push_back(std::make_unique<kube::Reflector>(client_, resource, options, std::move(handlers)));
  reflectors_.back()->start();
}

Status ClusterWorkloads::watch(std::function<void()> wake) {
  wake_ = std::move(wake);
  observe(kube::kPods, &ClusterWorkloads::take_pod);
  observe(kube::kDeployments, &ClusterWorkloads::take_deployment);
  observe(kube::kEndpointSlices, &ClusterWorkloads::take_slice);
  return {};
}

void ClusterWorkloads::take_pod(const kube::ObjectEvent& event) {
  const auto name = name_in(event.key);
  if (event.kind == kube::ObjectEvent::Kind::kDeleted) {
    sight_.pods.erase(name);
  } else if (auto pod = read_workload_pod(event.object)) {
    sight_.pods.insert_or_assign(name, std::move(*pod));
  }
}

void ClusterWorkloads::take_deployment(const kube::ObjectEvent& event) {
  const auto trouble =
      event.kind == kube::ObjectEvent::Kind::kDeleted ? std::string() : trouble_of_deployment(event.object);
  if (trouble.empty()) {
    sight_.trouble.erase(name_in(event.key));
  } else {
    sight_.trouble.insert_or_assign(name_in(event.key), trouble);
  }
}

void ClusterWorkloads::take_slice(const kube::ObjectEvent& event) {
  const auto name = name_in(event.key);
  const auto before = slices_.find(name);
  std::string service = before == slices_.end() ? "" : before->second.service_name;
  if (event.kind == kube::ObjectEvent::Kind::kDeleted) {
    if (before == slices_.end()) return;
    slices_.erase(before);
  } else {
    auto slice = read_slice(event.object);
    if (!slice || (before != slices_.end() && before->second == *slice)) return;
    service = slice->service_name;
    slices_.insert_or_assign(name, std::move(*slice));
  }
  changes_.push_back({service, monotonic_ns(), slices_of(service)});
}

std::vector<world::EndpointSlice> ClusterWorkloads::slices_of(const std::string& service) const {
  std::vector<world::EndpointSlice> result;
  for (const auto& [name, slice] : slices_) {
    if (slice.service_name == service) result.push_back(slice);
  }
  return result;
}

Status ClusterWorkloads::apply(const Workload& workload) {
  std::vector<kube::Request> requests;
  for (const auto& service : workload.services) {
    requests.push_back(kube::create(kube::kServices, kNamespace, service.name, service_body(workload, service)));
    requests.back().repeatable = true;
  }
  // What is there already stays as it is: Services are not changed.
  for (const auto& answer : client_.batch(requests, client_.default_deadline())) {
    if (!answer && answer.error().code != ErrorCode::kConflict) return std::unexpected(answer.error());
  }
  const auto applied = client_.call(
      kube::apply(kube::kDeployments, kNamespace, workload.name, deployment_body(workload, image_, hosts_)));
  if (!applied) return std::unexpected(applied.error());
  return {};
}

Status ClusterWorkloads::set_ready(const std::string& pod, bool ready) {
  auto request = kube::merge(kube::kPods, kNamespace, pod, "status", readiness_body(ready));
  request.content_type = "application/strategic-merge-patch+json";
  const auto patched = client_.call(request);
  // It may have gone meanwhile.
  if (!patched && patched.error().code != ErrorCode::kNotFound) return std::unexpected(patched.error());
  return {};
}

WorkloadSight ClusterWorkloads::sight() {
  const std::lock_guard lock(mutex_);
  auto result = sight_;
  for (const auto& [name, slice] : slices_) result.slices[slice.service_name].push_back(slice);
  result.changes = changes_.size();
  return result;
}

std::vector<SliceChange> ClusterWorkloads::changes_from(std::size_t first) {
  const std::lock_guard lock(mutex_);
  const auto begin = changes_.begin() + static_cast<std::ptrdiff_t>(std::min(first, changes_.size()));
  return {begin, changes_.end()};
}

Result<world::World> ClusterWorkloads::read_world() {
  std::vector<std::string> services;
  const kube::ListVisitor visitor{
      [&] { services.clear(); },
      [&](const kube::ObjectMeta& /*meta*/, std::string_view object) { services.emplace_back(object); }};
  const auto deadline = client_.default_deadline();
  const auto listed =
      kube::list_pages(client_, kube::list(kube::kServices, kNamespace, ours()), kPage, deadline, visitor);
  if (!listed) return std::unexpected(listed.error());
  auto world = world::read_world(list_of("Service", services), "Services of the cluster");
  if (!world) return world;
  std::ranges::sort(world->services, {}, &world::Service::name);
  const std::lock_guard lock(mutex_);
  for (const auto& [name, slice] : slices_) world->slices.push_back(slice);
  return world;
}

}  // namespace conntruth::cluster
