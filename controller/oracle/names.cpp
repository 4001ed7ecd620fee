#include "controller/oracle/names.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "controller/oracle/membership.hpp"
#include "controller/oracle/recorded.hpp"
#include "controller/oracle/rules.hpp"

namespace conntruth::oracle {
namespace {

// Names that lead to names.
constexpr int kMostAliases = 8;

// "svc.cluster.local" of "web.shop.svc.cluster.local".
std::string_view zone_of(std::string_view name) {
  for (int labels = 0; labels < 2; ++labels) {
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) return {};
    name.remove_prefix(dot + 1);
  }
  return name;
}

std::string full_name(const world::Service& service, std::string_view zone) {
  return fmt::format("{}.{}.{}", service.name, service.namespace_name, zone);
}

std::string_view without_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// The addresses of its ready endpoints, whatever their ports.
std::set<IpAddress> ready_addresses(const world::World& world, const world::Service& service) {
  std::set<IpAddress> result;
  for (const auto& slice : world.slices) {
    if (slice.service_key() != service.key()) continue;
    for (const auto& endpoint : slice.endpoints) {
      if (endpoint.is_ready()) result.insert(endpoint.addresses.begin(), endpoint.addresses.end());
    }
  }
  return result;
}

class Lookup {
 public:
  Lookup(const world::World& world, std::string_view zone) : world_(world), zone_(zone) {}

  [[nodiscard]] Expectation of(const world::Service* service, const std::string& name) {
    answer_.emplace();
    follow(service, name, 0);
    Expectation& result = expectation_;
    result.outcomes = {.replied = true, .refused = false, .timed_out = false};
    result.spread = Spread::kFree;
    std::ranges::sort(answer_->addresses);
    result.name = std::move(answer_);
    if (!scored_) only_record(result);
    return std::move(result);
  }

 private:
  void say(RuleId rule, std::string text) { expectation_.rules.push_back(applied(rule, std::move(text))); }

  void follow(const world::Service* service, const std::string& name, int aliases) {
    if (service == nullptr) {
      answer_->code = NameAnswer::kNoSuchName;
      return say(RuleId::kNameUnknown, fmt::format("no Service is called {}", name));
    }
    if (service->type == world::ServiceType::kExternalName) return alias(*service, name, aliases);
    if (service->headless) return headless(*service, name);
    answer_->addresses = service->cluster_ips;
    say(RuleId::kNameClusterIp,
        fmt::format("{} has the cluster IPs of {}, whatever becomes of its endpoints", name, service->key()));
  }

  void headless(const world::Service& service, const std::string& name) {
    const auto ready = ready_addresses(world_, service);
    answer_->addresses.assign(ready.begin(), ready.end());
    if (!ready.empty()) {
      return say(RuleId::kNameHeadless, fmt::format("{} has the addresses of the ready endpoints of {}, {} in all",
                                                    name, service.key(), ready.size()));
    }
    answer_->code = NameAnswer::kNoSuchName;
    say(RuleId::kNameHeadlessEmpty,
        fmt::format("{} has no ready endpoint, so that {} does not exist", service.key(), name));
  }

  void alias(const world::Service& service, const std::string& name, int aliases) {
    const std::string target(without_dot(service.external_name));
    if (answer_->alias.empty()) answer_->alias = target;
    say(RuleId::kNameExternal, fmt::format("{} is another name of {}", name, target));
    const bool ours = zone_of(target) == zone_;
    if (!ours || aliases == kMostAliases) {
      scored_ = false;
      return say(RuleId::kNameOutside, fmt::format("what {} has is not known here: not scored", target));
    }
    const auto named = [&](const world::Service& each) { return full_name(each, zone_) == target; };
    const auto found = std::ranges::find_if(world_.services, named);
    follow(found == world_.services.end() ? nullptr : &*found, target, aliases + 1);
    if (!scored_ || !answer_->addresses.empty()) return;
    scored_ = false;
    say(RuleId::kNameAliasEmpty, fmt::format("{} has no address: not scored", target));
  }

  const world::World& world_;
  std::string_view zone_;
  Expectation expectation_;
  std::optional<NameAnswer> answer_;
  bool scored_ = true;
};

}  // namespace

Expectation expect_name(const Question& question) {
  const auto& entry = question.flow->entry;
  return Lookup(*question.world, zone_of(entry.name)).of(question.world->service(entry.service), entry.name);
}

}  // namespace conntruth::oracle
