#pragma once
// What proves to the controller's HTTP API that a client may use it: the field `key` of the Secret conntruth-key. Who
// may read that Secret is decided by RBAC. Errors: those of kube::Client (with the missing right), kInvalidInput for a
// Secret without a usable key. Threading: the caller's thread.

#include <string>

#include "common/result.hpp"
#include "kube/client.hpp"

namespace conntruth::cluster {

inline constexpr std::string_view kKeySecret = "conntruth-key";

[[nodiscard]] Result<std::string> read_run_key(kube::Client& client, const std::string& system_namespace);
// Made, at random, where there is none. `owner`: JSON of an owner reference, or "".
[[nodiscard]] Result<std::string> ensure_run_key(kube::Client& client, const std::string& system_namespace,
                                                 const std::string& owner);

// The owner reference to the controller's Deployment, so that what the controller makes goes with the install; "" where
// it is not to be had.
[[nodiscard]] std::string install_owner(kube::Client& client, const std::string& system_namespace);

}  // namespace conntruth::cluster
