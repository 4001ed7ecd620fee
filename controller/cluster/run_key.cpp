#include "controller/cluster/run_key.hpp"

#include <fmt/core.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "kube/base64.hpp"

namespace conntruth::cluster {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDeployment = "conntruth-controller";

Result<std::string> random_key() {
  std::array<unsigned char, 32> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return fail_errno("random bytes", errno);
  std::string key;
  for (const auto byte : bytes) key += fmt::format("{:02x}", byte);
  return key;
}

}  // namespace

Result<std::string> read_run_key(kube::Client& client, const std::string& system_namespace) {
  const auto answer = client.call(kube::get(kube::kSecrets, system_namespace, kKeySecret));
  if (!answer) return std::unexpected(answer.error());
  const auto where = fmt::format("Secret {}/{}", system_namespace, kKeySecret);
  const auto object = Json::parse(answer->body, nullptr, false);
  try {
    auto key = kube::decode_base64(object.at("data").at("key").get<std::string>());
    if (!key) return std::unexpected(key.error().in(where + ": field key"));
    if (key->size() < 16)
      return fail(ErrorCode::kInvalidInput, where +
                                                ": its key has less than 16 bytes; delete the Secret and restart "
                                                "the controller, which makes a new one");
    return key;
  } catch (const Json::exception&) {
    return fail(ErrorCode::kInvalidInput,
                where + " has no field key; delete the Secret and restart the controller, which makes a new one");
  }
}

Result<std::string> ensure_run_key(kube::Client& client, const std::string& system_namespace,
                                   const std::string& owner) {
  auto found = read_run_key(client, system_namespace);
  if (found || found.error().code != ErrorCode::kNotFound) return found;
  const auto key = random_key();
  if (!key) return key;
  Json object = {
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata",
       {{"name", kKeySecret},
        {"namespace", system_namespace},
        {"labels", {{"app.kubernetes.io/name", "conntruth"}, {"app.kubernetes.io/component", "controller"}}}}},
      {"stringData", {{"key", *key}}}};
  if (!owner.empty()) object["metadata"]["ownerReferences"] = {Json::parse(owner, nullptr, false)};
  const auto made = client.call(kube::create(kube::kSecrets, system_namespace, kKeySecret, object.dump()));
  if (made) return key;
  if (made.error().code == ErrorCode::kConflict) return read_run_key(client, system_namespace);
  return std::unexpected(made.error());
}

std::string install_owner(kube::Client& client, const std::string& system_namespace) {
  const auto answer = client.call(kube::get(kube::kDeployments, system_namespace, kDeployment));
  if (!answer) return {};
  const auto object = Json::parse(answer->body, nullptr, false);
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->contains("uid")) return {};
  return Json{{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", kDeployment}, {"uid", metadata->at("uid")}}
      .dump();
}

}  // namespace conntruth::cluster
