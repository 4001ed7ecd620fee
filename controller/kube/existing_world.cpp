#include "controller/kube/existing_world.hpp"

#include <fmt/core.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "common/world/world_reader.hpp"
#include "kube/listing.hpp"

namespace conntruth::kube {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t kPage = 500;

std::string version_of(const Json& object) {
  const auto meta = object.find("metadata");
  if (meta == object.end()) return {};
  return fmt::format("{}@{}", meta->value("name", ""), meta->value("resourceVersion", ""));
}

class Reader {
 public:
  Reader(Client& client, SteadyTime deadline) : client_(client), deadline_(deadline) {}

  [[nodiscard]] Result<world::Existing> read() {
    auto done = read_all(kNodes);
    if (done) done = read_all(kServices);
    if (done) done = read_all(kEndpointSlices);
    if (!done) return std::unexpected(done.error());
    forget_lost_nodes();
    return std::move(existing_);
  }

 private:
  [[nodiscard]] Status read_all(const Resource& resource) {
    Status problem;
    const auto before = existing_;
    const ListVisitor visitor{
        [&] {
          problem = {};
          existing_ = before;
        },
        [&](const ObjectMeta& meta, std::string_view object) {
          if (auto added = add(resource, object); !added)
            problem = std::unexpected(added.error().in(fmt::format("{} {}", resource.plural, meta.key)));
        }};
    const auto version = list_pages(client_, list(resource, {}), kPage, deadline_, visitor);
    if (!version) return std::unexpected(version.error());
    return problem;
  }

  // Items of a list come without apiVersion and kind.
  [[nodiscard]] Status add(const Resource& resource, std::string_view text) {
    const auto object = Json::parse(text, nullptr, false);
    if (!object.is_object()) return fail(ErrorCode::kInvalidInput, "is no JSON object");
    const Json list = {{"apiVersion", "v1"}, {"kind", fmt::format("{}List", resource.kind)}, {"items", {object}}};
    auto read = world::read_world(list.dump(), "the cluster");
    if (!read) return std::unexpected(read.error());
    auto& world = existing_.world;
    for (auto& node : read->nodes) world.nodes.push_back(std::move(node));
    for (auto& service : read->services) {
      existing_.versions[service.key()].insert("Service " + version_of(object));
      world.services.push_back(std::move(service));
    }
    for (auto& slice : read->slices) {
      existing_.versions[slice.service_key()].insert("EndpointSlice " + version_of(object));
      world.slices.push_back(std::move(slice));
    }
    return {};
  }

  // Slices outlive nodes for a while.
  void forget_lost_nodes() {
    std::set<std::string> nodes;
    for (const auto& node : existing_.world.nodes) nodes.insert(node.name);
    for (auto& slice : existing_.world.slices) {
      for (auto& endpoint : slice.endpoints) {
        if (!nodes.contains(endpoint.node_name)) endpoint.node_name.clear();
      }
    }
  }

  Client& client_;
  SteadyTime deadline_;
  world::Existing existing_;
};

}  // namespace

Result<world::Existing> read_existing_world(Client& client, SteadyTime deadline) {
  return Reader(client, deadline).read();
}

}  // namespace conntruth::kube
