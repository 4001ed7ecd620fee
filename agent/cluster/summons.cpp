#include "agent/cluster/summons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace conntruth::agent {

namespace {

using nlohmann::json;

constexpr auto kAddress = "conntruth.io/agents";

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json part(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : json::object();
}

}  // namespace

Status SummonsBook::seen(std::string_view lease, TimePoint now) {
  const auto object = json::parse(lease, nullptr, false);
  const auto metadata = object.is_object() ? part(object, "metadata") : json::object();
  const auto spec = object.is_object() ? part(object, "spec") : json::object();
  Summons summons{text(metadata, "uid"), text(spec, "holderIdentity"), text(part(metadata, "annotations"), kAddress)};
  const auto seconds = spec.value("leaseDurationSeconds", json());
  if (summons.lease.empty() || summons.address.rfind(':') == std::string::npos || !seconds.is_number_integer()) {
    gone();
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("the controller's Lease names no address to connect to (annotation {}) or no duration", kAddress));
  }
  auto renewed = text(spec, "renewTime");
  if (!summons_ || *summons_ != summons || renewed_ != renewed) {
    until_ = now + std::chrono::seconds(std::clamp<std::int64_t>(seconds.get<std::int64_t>(), 1, 3600));
  }
  renewed_ = std::move(renewed);
  summons_ = std::move(summons);
  return {};
}

}  // namespace conntruth::agent
