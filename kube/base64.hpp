#pragma once
// Base64 as Kubernetes writes bytes into JSON and YAML (RFC 4648 §4). Blanks and line ends are passed over.
// Threading: pure functions.

#include <string>
#include <string_view>

#include "common/result.hpp"

namespace conntruth::kube {

[[nodiscard]] Result<std::string> decode_base64(std::string_view text);
[[nodiscard]] std::string encode_base64(std::string_view bytes);

}  // namespace conntruth::kube
