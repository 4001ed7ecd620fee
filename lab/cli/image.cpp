#include <fmt/format.h>

#include <memory>

#include "lab/cli/commands.hpp"
#include "lab/kubernetes/images.hpp"

namespace conntruth::lab::cli {

namespace {

constexpr const char* kUsage = "image [LAB] FILE";

int load(Words words) {
  const auto name = take_lab(words, 1, kUsage);
  if (!name) return finish(name.error());
  const auto lab = Lab::open(*name);
  if (!lab) return finish(lab.error());
  const auto& file = words.words.front();
  if (auto loaded = load_image(*lab, file); !loaded) return finish(loaded);
  fmt::print("lab {}: {} is on {} nodes\n", *name, file, lab->topology().nodes.size());
  return 0;
}

}  // namespace

void add_image(CLI::App& lab, int& exit_code) {
  auto words = std::make_shared<Words>();
  auto* command = lab.add_subcommand("image", "Give every node of a lab with kubelets a container image");
  add_words(*command, *words, kUsage);
  command->footer(
      "FILE is an OCI layout as a tar, or what `docker save` writes. Pods then use it with imagePullPolicy Never or\n"
      "IfNotPresent, by its whole name: a lab has no way out to a registry.\n"
      "Example:\n  conntruth lab image demo conntruth.tar");
  command->callback([words, &exit_code] { exit_code = load(*words); });
}

}  // namespace conntruth::lab::cli
