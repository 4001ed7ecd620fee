#include "controller/kube/object_change.hpp"

#include <fmt/core.h>

#include <type_traits>

#include "common/world/world_reader.hpp"
#include "controller/kube/world_objects.hpp"

namespace conntruth::kube {
namespace {

const Resource& resource_of(const world::Service& /*unused*/) { return kServices; }
const Resource& resource_of(const world::EndpointSlice& /*unused*/) { return kEndpointSlices; }

template <typename Object>
Result<Object> read_back(const std::string& body) {
  auto world = world::read_world(body, "answer");
  if (!world) return std::unexpected(world.error());
  if constexpr (std::is_same_v<Object, world::Service>) {
    if (world->services.size() == 1) return std::move(world->services.front());
  } else {
    if (world->slices.size() == 1) return std::move(world->slices.front());
  }
  return fail(ErrorCode::kInternal, "answer: the server did not give the object back");
}

bool says(const Error& error, std::string_view words) { return error.message.contains(words); }

}  // namespace

bool is_allocation(const Error& error) { return says(error, "already allocated"); }

bool may_pass(const Error& error) {
  return is_allocation(error) || says(error, "being terminated") || says(error, "object is being deleted");
}

template <typename Object>
std::string ObjectChange<Object>::key() const {
  const auto& object = after_ ? *after_ : *before_;
  return fmt::format("{} {}/{}", resource_of(object).plural, object.namespace_name, object.name);
}

template <typename Object>
Status ObjectChange<Object>::run(Client& client, SteadyTime deadline) {
  status_ = attempt(client, deadline);
  return status_;
}

template <typename Object>
Status ObjectChange<Object>::attempt(Client& client, SteadyTime deadline) {
  if (!after_) return delete_it(client, deadline);
  if (!before_ || gone_) return create_it(client, deadline);
  if (!recreate_ && !needs_recreation(*before_, *after_)) return update_it(client, deadline);
  ++report_.recreated;
  if (auto deleted = delete_it(client, deadline); !deleted) return deleted;
  gone_ = true;
  return create_it(client, deadline);
}

template <typename Object>
void ObjectChange<Object>::is_now(std::optional<Object> object) {
  now_ = std::move(object);
  now_written_ = true;
}

template <typename Object>
Status ObjectChange<Object>::delete_it(Client& client, SteadyTime deadline) {
  ++report_.requests;
  const auto response =
      client.call(kube::remove(resource_of(*before_), before_->namespace_name, before_->name), deadline);
  if (!response && response.error().code != ErrorCode::kNotFound) return std::unexpected(response.error());
  if (!after_) ++report_.deleted;
  is_now(std::nullopt);
  return {};
}

template <typename Object>
Status ObjectChange<Object>::create_it(Client& client, SteadyTime deadline) {
  auto request = create(resource_of(*after_), after_->namespace_name, after_->name, body_of(*after_));
  request.repeatable = true;  // that it exists already is understood below
  ++report_.requests;
  const auto response = client.call(request, deadline);
  if (response) {
    if (!gone_) ++report_.created;
    return written(client, deadline, *response);
  }
  if (response.error().code != ErrorCode::kConflict || may_pass(response.error()))
    return std::unexpected(response.error());
  const auto ours = is_ours(client, deadline);
  if (!ours) return std::unexpected(ours.error());
  if (!*ours)
    return fail(ErrorCode::kConflict,
                fmt::format("{}: exists already and does not carry {}: {}; rename or remove it, or use another "
                            "namespace",
                            key(), kManagedByLabel, kManagedBy));
  before_ = after_;         // left by another run; recreated where it cannot be changed
  before_->labels.clear();  // in a state that is not known: differs from every wanted one
  return update_it(client, deadline);
}

template <typename Object>
Status ObjectChange<Object>::update_it(Client& client, SteadyTime deadline) {
  ++report_.requests;
  const auto response = client.call(
      kube::replace(resource_of(*after_), after_->namespace_name, after_->name, body_of(*after_)), deadline);
  if (response) {
    ++report_.updated;
    return written(client, deadline, *response);
  }
  const auto& error = response.error();
  if (error.code == ErrorCode::kNotFound) {
    before_.reset();
    return create_it(client, deadline);
  }
  if (error.code != ErrorCode::kInvalidInput || may_pass(error) || recreate_) return std::unexpected(error);
  recreate_ = true;  // a field that this server lets nobody change; where it is another mistake, creating says so
  return attempt(client, deadline);
}

template <typename Object>
Result<bool> ObjectChange<Object>::is_ours(Client& client, SteadyTime deadline) {
  ++report_.requests;
  const auto response = client.call(get(resource_of(*after_), after_->namespace_name, after_->name), deadline);
  if (!response) return std::unexpected(response.error());
  const auto found = read_back<Object>(response->body);
  if (!found) return std::unexpected(found.error().in(key()));
  const auto label = found->labels.find(std::string(kManagedByLabel));
  return label != found->labels.end() && label->second == kManagedBy;
}

template <typename Object>
Status ObjectChange<Object>::written(Client& client, SteadyTime deadline, const Response& response) {
  const auto kept = read_back<Object>(response.body);
  if (!kept) return std::unexpected(kept.error().in(key()));
  return finish(client, deadline, *kept);
}

template <>
Status ObjectChange<world::EndpointSlice>::finish(Client& /*unused*/, SteadyTime /*unused*/,
                                                  const world::EndpointSlice& kept) {
  for (const auto& field : differences(*after_, kept)) report_.dropped.push_back(fmt::format("{}: {}", key(), field));
  is_now(after_);
  return {};
}

template <>
Status ObjectChange<world::Service>::finish(Client& client, SteadyTime deadline, const world::Service& kept) {
  if (has_surplus_node_ports(*after_, kept) && !recreate_) {
    recreate_ = true;
    before_ = after_;
    return attempt(client, deadline);
  }
  auto now = *after_;
  now.ingress = kept.ingress;
  is_now(now);
  for (const auto& field : differences(*after_, kept)) report_.dropped.push_back(fmt::format("{}: {}", key(), field));
  if (kept.ingress == after_->ingress) return {};
  if (after_->type != world::ServiceType::kLoadBalancer) {
    report_.dropped.push_back(fmt::format("{}: status.loadBalancer", key()));
    return {};
  }
  ++report_.requests;
  const auto response = client.call(
      merge(kServices, after_->namespace_name, after_->name, "status", status_body(after_->ingress)), deadline);
  if (!response) return std::unexpected(response.error());
  const auto last = read_back<world::Service>(response->body);
  if (!last) return std::unexpected(last.error().in(key()));
  if (last->ingress != after_->ingress) report_.dropped.push_back(fmt::format("{}: status.loadBalancer", key()));
  is_now(after_);
  return {};
}

template class ObjectChange<world::Service>;
template class ObjectChange<world::EndpointSlice>;

}  // namespace conntruth::kube
