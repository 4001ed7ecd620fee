#include "controller/install/objects.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/install/certificate.hpp"
#include "controller/install/kustomization.hpp"
#include "kube/base64.hpp"

namespace conntruth::install {
namespace {

using Json = nlohmann::ordered_json;

Status check(const InstallOptions& options) {
  if (options.namespace_name != kSystemNamespace)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("--namespace: conntruth is installed into the namespace {}, not {}: agents know the "
                            "controller and the controller knows agents by it; leave the flag away",
                            kSystemNamespace, options.namespace_name));
  const auto bad = [](char letter) { return static_cast<unsigned char>(letter) <= ' ' || letter == '"'; };
  if (std::ranges::any_of(options.image, bad))
    return fail(ErrorCode::kInvalidInput,
                fmt::format("--image: \"{}\" is no image such as registry.example.com/conntruth:0.1.0", options.image));
  return {};
}

// What the tool itself decides of an object: who made it, and from which image its containers are.
std::string finished(const std::string& text, const InstallOptions& options) {
  auto object = Json::parse(text);
  const Json mark = {{"app.kubernetes.io/name", "conntruth"},
                     {"app.kubernetes.io/managed-by", std::string(kInstaller)}};
  object["metadata"]["labels"].update(mark);
  const Json::json_pointer pods("/spec/template");
  if (object.contains(pods)) {
    auto& each = object[pods];
    each["metadata"]["labels"].update(mark);
    for (auto& container : each["spec"]["containers"]) {
      if (!options.image.empty()) container["image"] = options.image;
    }
  }
  return object.dump();
}

std::string secret_of(const ControllerCertificate& certificate, const Json& labels) {
  const Json object = {
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata",
       {{"name", std::string(kTlsSecret)}, {"namespace", std::string(kSystemNamespace)}, {"labels", labels}}},
      {"type", "kubernetes.io/tls"},
      {"data",
       {{"ca.crt", kube::encode_base64(certificate.authority_pem)},
        {"tls.crt", kube::encode_base64(certificate.certificate_pem)},
        {"tls.key", kube::encode_base64(certificate.key_pem)}}}};
  return object.dump();
}

// Labelled as the controller that it belongs to.
Result<Object> made_secret(const std::vector<Object>& objects) {
  const auto controller = std::ranges::find(objects, "Deployment", [](const Object& each) { return each.kind->kind; });
  if (controller == objects.end()) return fail(ErrorCode::kInternal, "the manifests have no Deployment");
  const auto certificate = make_controller_certificate();
  if (!certificate) return std::unexpected(certificate.error());
  auto secret = read_object(secret_of(*certificate, Json::parse(controller->json).at("metadata").at("labels")));
  if (secret) secret->keep = true;
  return secret;
}

std::ptrdiff_t rank(const Object& object) { return object.kind - kinds().data(); }

}  // namespace

std::string_view to_string(AgentProfile profile) {
  switch (profile) {
    case AgentProfile::kMatrix:
      return "matrix";
    case AgentProfile::kEbpf:
      return "ebpf";
  }
  return "?";
}

std::string_view to_string(TlsMode mode) {
  switch (mode) {
    case TlsMode::kGenerate:
      return "generate";
    case TlsMode::kCertManager:
      return "cert-manager";
    case TlsMode::kSecret:
      return "secret";
  }
  return "?";
}

std::string Object::title() const {
  return namespace_name.empty() ? fmt::format("{} {}", kind->kind, name)
                                : fmt::format("{} {}/{}", kind->kind, namespace_name, name);
}

Result<Object> read_object(const std::string& json) {
  const auto value = Json::parse(json, nullptr, false);
  try {
    const auto& metadata = value.at("metadata");
    const auto kind = value.at("kind").get<std::string>();
    const auto* known = kind_of(value.at("apiVersion").get<std::string>(), kind);
    if (known == nullptr)
      return fail(ErrorCode::kInternal, fmt::format("{}: a kind that an install does not know", kind));
    return Object{known, metadata.value("namespace", ""), metadata.at("name").get<std::string>(), json, false};
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("this is no object of the API: {}", error.what()));
  }
}

Result<std::vector<Object>> objects_of(const InstallOptions& options) {
  if (auto well = check(options); !well) return std::unexpected(well.error());
  const auto files = embedded_manifests();
  auto texts = build(files, options.tls == TlsMode::kCertManager ? "overlays/cert-manager" : "base");
  if (texts && options.profile == AgentProfile::kEbpf) texts = with_component(files, "components/ebpf", *texts);
  if (!texts) return std::unexpected(texts.error());
  std::vector<Object> objects;
  for (const auto& text : *texts) {
    auto object = read_object(finished(text, options));
    if (!object) return std::unexpected(object.error());
    objects.push_back(std::move(*object));
  }
  if (options.tls == TlsMode::kGenerate) {
    auto secret = made_secret(objects);
    if (!secret) return std::unexpected(secret.error());
    objects.push_back(std::move(*secret));
  }
  std::ranges::stable_sort(objects, {}, rank);
  return objects;
}

}  // namespace conntruth::install
