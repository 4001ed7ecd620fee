#pragma once
// The manifests of deploy/kustomize as they are in the sources, a part of the program since it was built.
// Threading: constants.

#include <span>
#include <string_view>

namespace conntruth::install {

struct SourceFile {
  std::string_view path;  // below deploy/kustomize: "base/agent.yaml"
  std::string_view text;
};

// base, components and the overlays without the lab's. Defined by what cmake/Embed.cmake generates.
[[nodiscard]] std::span<const SourceFile> embedded_manifests();

}  // namespace conntruth::install
