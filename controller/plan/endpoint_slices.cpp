#include "controller/plan/endpoint_slices.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace conntruth::plan {
namespace {

using catalogue::EndpointSpec;
using catalogue::NodeWord;

bool allows(const std::vector<Family>& families, Family family) {
  return families.empty() || std::ranges::find(families, family) != families.end();
}

class SliceBuilder {
 public:
  SliceBuilder(const catalogue::Scenario& scenario, const catalogue::ServiceSpec& spec, const ServiceCopy& copy,
               const Topology& topology, const Places& places, Allocation& allocation)
      : scenario_(scenario), spec_(spec), copy_(copy), topology_(topology), places_(places), allocation_(allocation) {}

  [[nodiscard]] Result<Endpoints> build() {
    for (const auto& endpoint : spec_.endpoints) {
      const auto found = places_of(endpoint);
      if (!found) return std::unexpected(found.error());
      for (const auto* place : *found) {
        for (unsigned index = 0; index < endpoint.copies; ++index) {
          if (auto status = add(endpoint, *place, endpoint.variant + index); !status) {
            return std::unexpected(status.error());
          }
        }
      }
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] Result<std::vector<const Place*>> places_of(const EndpointSpec& endpoint) const {
    std::vector<const Place*> found;
    if (copy_.own_place != nullptr && endpoint.on == NodeWord::kOwn) return std::vector{copy_.own_place};
    const auto nodes = catalogue::resolve(endpoint.on, places_.nodes(), copy_.own);
    if (!nodes) return std::unexpected(nodes.error());
    for (const auto node : *nodes) {
      const auto& pods = places_.pods(node);
      if (endpoint.host_network) {
        found.push_back(&places_.node(node));
      } else if (!endpoint.pod) {
        for (const auto& pod : pods) found.push_back(&pod);
      } else if (*endpoint.pod < pods.size()) {
        found.push_back(&pods[*endpoint.pod]);
      } else {
        return fail(ErrorCode::kNotFound, fmt::format("{} has no pod {}", places_.node(node).label, *endpoint.pod));
      }
    }
    return found;
  }

  [[nodiscard]] Result<std::vector<world::EndpointPort>> ports_of(const EndpointSpec& endpoint, unsigned variant) {
    std::vector<world::EndpointPort> ports;
    for (const auto& port : spec_.service.ports) {
      const auto& wanted = endpoint.ports;
      if (!wanted.empty() && std::ranges::find(wanted, port.name) == wanted.end()) continue;
      const auto number =
          allocation_.responder_port(fmt::format("{}/{}/{}/{}", scenario_.id, spec_.name, port.name, variant));
      if (!number) return std::unexpected(number.error());
      ports.push_back({port.name, port.protocol, *number});
    }
    return ports;
  }

  [[nodiscard]] Result<world::Endpoint> describe(const EndpointSpec& endpoint, const Place& place) const {
    const auto& node = topology_.nodes[place.node];
    world::Endpoint result;
    result.ready = endpoint.ready;
    result.serving = endpoint.serving;
    result.terminating = endpoint.terminating;
    result.node_name = node.name;
    result.zone = node.zone;
    result.target_name = place.label;
    const auto names = [&](const std::vector<NodeWord>& words, auto name_of) -> Result<std::vector<std::string>> {
      std::vector<std::string> found;
      for (const auto word : words) {
        const auto nodes = catalogue::resolve(word, places_.nodes(), place.node);
        if (!nodes) return std::unexpected(nodes.error());
        for (const auto index : *nodes) {
          const auto& name = name_of(topology_.nodes[index]);
          if (name.empty())
            return fail(ErrorCode::kNotFound, fmt::format("{} has no zone", topology_.nodes[index].name));
          if (std::ranges::find(found, name) == found.end()) found.push_back(name);
        }
      }
      return found;
    };
    if (endpoint.zone_hints) {
      auto zones =
          names(*endpoint.zone_hints, [](const TopologyNode& each) -> const std::string& { return each.zone; });
      if (!zones) return std::unexpected(zones.error());
      result.zone_hints = std::move(*zones);
    }
    if (endpoint.node_hints) {
      auto hosts =
          names(*endpoint.node_hints, [](const TopologyNode& each) -> const std::string& { return each.name; });
      if (!hosts) return std::unexpected(hosts.error());
      result.node_hints = std::move(*hosts);
    }
    return result;
  }

  [[nodiscard]] Status add(const EndpointSpec& endpoint, const Place& place, unsigned variant) {
    auto ports = ports_of(endpoint, variant);
    if (!ports) return std::unexpected(ports.error());
    if (ports->empty()) return {};  // at this step the Service has none of its ports
    auto described = describe(endpoint, place);
    if (!described) return std::unexpected(described.error());
    PlannedEndpoint planned{&place, {}, *ports};
    for (const auto& address : place.addresses) {
      // An ExternalName Service has no families; its slices may stay as they were.
      if (!allows(copy_.service.ip_families, address.family()) || !allows(endpoint.families, address.family()))
        continue;
      described->addresses = {address};
      slice_for(address.family(), endpoint.slice, *ports).endpoints.push_back(*described);
      planned.addresses.push_back(address);
    }
    if (!planned.addresses.empty()) result_.endpoints.push_back(std::move(planned));
    return {};
  }

  world::EndpointSlice& slice_for(Family family, const std::string& word,
                                  const std::vector<world::EndpointPort>& ports) {
    const auto same = [&](std::size_t index) {
      return result_.slices[index].family == family && words_[index] == word && result_.slices[index].ports == ports;
    };
    for (std::size_t index = 0; index < words_.size(); ++index) {
      if (same(index)) return result_.slices[index];
    }
    auto& slice = result_.slices.emplace_back();
    slice.namespace_name = copy_.service.namespace_name;
    slice.name = fmt::format("{}-{}", copy_.service.name, words_.size() + 1);
    slice.service_name = copy_.service.name;
    if (const auto label = copy_.service.labels.find(std::string(world::kHeadlessLabel));
        label != copy_.service.labels.end()) {
      slice.labels.insert(*label);  // as upstream's test does; the label of the Service itself means nothing
    }
    slice.family = family;
    slice.ports = ports;
    words_.push_back(word);
    return slice;
  }

  const catalogue::Scenario& scenario_;
  const catalogue::ServiceSpec& spec_;
  const ServiceCopy& copy_;
  const Topology& topology_;
  const Places& places_;
  Allocation& allocation_;
  Endpoints result_;
  std::vector<std::string> words_;  // of each slice
};

}  // namespace

Result<Endpoints> endpoints_of(const catalogue::Scenario& scenario, const catalogue::ServiceSpec& spec,
                               const ServiceCopy& copy, const Topology& topology, const Places& places,
                               Allocation& allocation) {
  return SliceBuilder(scenario, spec, copy, topology, places, allocation).build();
}

}  // namespace conntruth::plan
