#pragma once
// A JSON document of ours as YAML: same keys, same order, every text quoted so that no reader takes "no" for a boolean.
// Threading: pure.

#include <string>

namespace conntruth::codec {

// `json` must be a document that this program wrote; ends with a line break.
[[nodiscard]] std::string json_as_yaml(const std::string& json);

}  // namespace conntruth::codec
