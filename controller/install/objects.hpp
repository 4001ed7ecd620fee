#pragma once
// The objects of an install for what somebody wishes: those of deploy/kustomize, nothing of them written here again.
//
// Errors: kInvalidInput names the flag. Threading: pure but for the random numbers of a certificate.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/install/kinds.hpp"

namespace conntruth::install {

// Agents and the controller's certificate know each other by it.
inline constexpr std::string_view kSystemNamespace = "conntruth-system";
inline constexpr std::string_view kWorldNamespace = "conntruth";
inline constexpr std::string_view kTlsSecret = "conntruth-tls";
inline constexpr std::string_view kInstallLabel = "app.kubernetes.io/name=conntruth";
// Value of app.kubernetes.io/managed-by, and the field manager. Never "conntruth": that marks what a run makes.
inline constexpr std::string_view kInstaller = "kubectl-conntruth";

enum class AgentProfile : std::uint8_t { kMatrix, kEbpf };
[[nodiscard]] std::string_view to_string(AgentProfile profile);

enum class TlsMode : std::uint8_t {
  kGenerate,     // made by the install where there is none, valid for ten years
  kCertManager,  // by cert-manager, renewed by it
  kSecret,       // somebody made the Secret
};
[[nodiscard]] std::string_view to_string(TlsMode mode);

// Every field has an initializer, so that callers may name just the ones they set.
// NOLINTBEGIN(readability-redundant-member-init)
struct InstallOptions {
  std::string namespace_name{kSystemNamespace};
  std::string image{};  // "": of the manifests
  AgentProfile profile = AgentProfile::kMatrix;
  TlsMode tls = TlsMode::kGenerate;
};
// NOLINTEND(readability-redundant-member-init)

struct Object {
  const kube::Resource* kind = nullptr;  // of kinds()
  std::string namespace_name;            // "" where the kind has none
  std::string name;
  std::string json;
  bool keep = false;  // one that is there already stays as it is: the certificate

  [[nodiscard]] std::string title() const;  // "DaemonSet conntruth-system/conntruth-agent"
};

// In the order in which they are made.
[[nodiscard]] Result<std::vector<Object>> objects_of(const InstallOptions& options);

[[nodiscard]] Result<Object> read_object(const std::string& json);

}  // namespace conntruth::install
