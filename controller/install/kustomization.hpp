#pragma once
// What kustomize makes of a folder, for those of its words that deploy/kustomize uses: resources, components, labels,
// images, and patches by RFC 6902. Every other word is refused, so that nothing is left out silently; a test compares
// with the real kubectl. Source: kubectl.docs.kubernetes.io/references/kustomize/kustomization.
//
// Errors: kInvalidInput with path and line. Threading: pure functions.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/install/manifests.hpp"

namespace conntruth::install {

// Objects as JSON, in the order of their files.
[[nodiscard]] Result<std::vector<std::string>> build(std::span<const SourceFile> files, std::string_view folder);

// `objects` with what the component in `folder` changes of them.
[[nodiscard]] Result<std::vector<std::string>> with_component(std::span<const SourceFile> files,
                                                              std::string_view folder,
                                                              const std::vector<std::string>& objects);

}  // namespace conntruth::install
