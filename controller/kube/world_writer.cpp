#include "controller/kube/world_writer.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "common/world/world_reader.hpp"
#include "controller/kube/object_change.hpp"
#include "controller/kube/world_objects.hpp"
#include "kube/api_error.hpp"
#include "kube/listing.hpp"

namespace conntruth::kube {
namespace {

constexpr std::uint32_t kPage = 500;
constexpr unsigned kPatience = 6;  // tries for what another object holds, while nothing else moves

std::string our_selector() { return fmt::format("{}={}", kManagedByLabel, kManagedBy); }

Result<world::World> read_kind(Client& client, const Resource& resource, SteadyTime deadline) {
  std::string text;
  const ListVisitor visitor{[&] { text = fmt::format(R"({{"kind":"{}List","items":[)", resource.kind); },
                            [&](const ObjectMeta& /*unused*/, std::string_view object) {
                              if (!text.ends_with('[')) text += ",\n";
                              text += object;
                            }};
  const auto version = list_pages(client, list(resource, {}, our_selector()), kPage, deadline, visitor);
  if (!version) return std::unexpected(version.error());
  return world::read_world(text + "]}", fmt::format("{} of the cluster", resource.plural));
}

// Changes of one kind of object: deletions first, they set addresses and ports free.
template <typename Object>
std::vector<ObjectChange<Object>> changes(const std::map<std::string, Object>& live,
                                          const std::map<std::string, Object>& next) {
  std::vector<ObjectChange<Object>> result;
  for (const auto& [key, object] : live) {
    if (!next.contains(key)) result.emplace_back(object, std::nullopt);
  }
  for (const auto& [key, object] : next) {
    const auto before = live.find(key);
    if (before == live.end()) {
      result.emplace_back(std::nullopt, object);
    } else if (before->second != object) {
      result.emplace_back(before->second, object);
    }
  }
  return result;
}

template <typename Object>
std::map<std::string, Object> by_key(std::vector<Object> objects) {
  std::map<std::string, Object> result;
  for (auto& object : objects) result.insert_or_assign(object.namespace_name + "/" + object.name, std::move(object));
  return result;
}

// Runs them all at once, again and again while what failed may pass.
class Passes {
 public:
  Passes(Client& client, std::chrono::milliseconds patience) : client_(client), patience_(patience) {}

  void add(std::function<Status()> run, std::function<void()> go_first) {
    pending_.push_back({std::move(run), std::move(go_first), {}});
  }

  void run() {
    unsigned idle = 0;
    while (!pending_.empty()) {
      client_.for_each(pending_.size(), [this](std::size_t i) { pending_[i].result = pending_[i].run(); });
      const auto before = pending_.size();
      std::erase_if(pending_, [](const Item& item) { return item.result || !may_pass(item.result.error()); });
      if (pending_.size() < before) {
        idle = 0;
        continue;
      }
      if (!go_on(idle++)) return;
    }
  }

 private:
  struct Item {
    std::function<Status()> run;
    std::function<void()> go_first;
    Status result;
  };

  bool go_on(unsigned idle) {
    bool waits = false;
    for (auto& item : pending_) {
      if (is_allocation(item.result.error())) item.go_first();
      waits = waits || !is_allocation(item.result.error());
    }
    if (!waits && idle >= kPatience) return false;
    const auto delay = client_.backoff().delay(idle);
    spent_ += delay;
    return spent_ < patience_ && client_.wait(delay, {});
  }

  Client& client_;
  std::chrono::milliseconds patience_;
  std::chrono::milliseconds spent_{0};
  std::vector<Item> pending_;
};

void add(PublishReport& sum, const PublishReport& one) {
  sum.requests += one.requests;
  sum.created += one.created;
  sum.updated += one.updated;
  sum.deleted += one.deleted;
  sum.recreated += one.recreated;
  sum.dropped.insert(sum.dropped.end(), one.dropped.begin(), one.dropped.end());
}

template <typename Object>
void settle(const std::vector<ObjectChange<Object>>& done, std::map<std::string, Object>& live, PublishReport& report,
            std::vector<Error>& errors) {
  for (const auto& change : done) {
    add(report, change.report());
    if (!change.status()) errors.push_back(change.status().error());
    const auto key = change.key().substr(change.key().find(' ') + 1);
    if (change.now()) {
      live.insert_or_assign(key, *change.now());
    } else {
      live.erase(key);
    }
  }
}

}  // namespace

Result<ClusterWorld> ClusterWorld::adopt(Client& client, ClusterWorldOptions options) {
  ClusterWorld cluster(client, std::move(options));
  const auto deadline = client.deadline_in(cluster.options_.timeout);
  auto services = read_kind(client, kServices, deadline);
  if (!services) return std::unexpected(services.error());
  auto slices = read_kind(client, kEndpointSlices, deadline);
  if (!slices) return std::unexpected(slices.error());
  cluster.services_ = by_key(std::move(services->services));
  cluster.slices_ = by_key(std::move(slices->slices));
  return cluster;
}

Status ClusterWorld::make_namespaces(const world::World& next, SteadyTime deadline, PublishReport& report) {
  std::set<std::string> missing;
  for (const auto& service : next.services) missing.insert(service.namespace_name);
  for (const auto& slice : next.slices) missing.insert(slice.namespace_name);
  std::vector<Request> requests;
  for (const auto& name : missing) {
    if (namespaces_.contains(name)) continue;
    requests.push_back(create(kNamespaces, {}, name, namespace_body(name)));
    requests.back().repeatable = true;
  }
  const auto answers = client_->batch(requests, deadline);
  report.requests += requests.size();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    // Who may not make namespaces has been given those to write in; where one is missing the objects say so.
    if (!answers[i] && answers[i].error().code != ErrorCode::kConflict &&
        answers[i].error().code != ErrorCode::kPermission)
      return std::unexpected(answers[i].error());
    namespaces_.insert(requests[i].name);
  }
  return {};
}

Result<PublishReport> ClusterWorld::publish(const world::World& next) {
  const auto deadline = client_->deadline_in(options_.timeout);
  PublishReport report;
  if (const auto made = make_namespaces(next, deadline, report); !made) return std::unexpected(made.error());
  std::vector<world::Service> want_services;
  std::vector<world::EndpointSlice> want_slices;
  for (const auto& each : next.services) want_services.push_back(wanted(each, options_.load_balancer_class));
  for (const auto& each : next.slices) want_slices.push_back(wanted(each));
  auto services = changes(services_, by_key(std::move(want_services)));
  auto slices = changes(slices_, by_key(std::move(want_slices)));

  // What goes sets addresses and ports free. A request for one of them that is under way at the same time may leave it
  // allocated to nobody, until the API server's repair loop comes round minutes later.
  for (const bool removal : {true, false}) {
    Passes passes(*client_, options_.timeout);
    const auto plan = [&](auto& list) {
      for (auto& change : list) {
        if (change.removes() != removal) continue;
        passes.add([&change, this, deadline] { return change.run(*client_, deadline); },
                   [&change] { change.go_first(); });
      }
    };
    plan(services);
    plan(slices);
    passes.run();
  }

  std::vector<Error> errors;
  settle(services, services_, report, errors);
  settle(slices, slices_, report, errors);
  if (errors.empty()) return report;
  auto error = errors.front();
  if (errors.size() > 1) error.message += fmt::format(" (and {} objects more)", errors.size() - 1);
  return std::unexpected(error);
}

world::World ClusterWorld::published() const {
  world::World world;
  for (const auto& [key, service] : services_) world.services.push_back(service);
  for (const auto& [key, slice] : slices_) world.slices.push_back(slice);
  return world;
}

}  // namespace conntruth::kube
