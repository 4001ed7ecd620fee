#include "lab/kubernetes/images.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "lab/kubernetes/daemons.hpp"
#include "lab/kubernetes/programs.hpp"

namespace conntruth::lab {

namespace {

struct Import {
  std::string node;
  std::string log;
  pid_t pid;
};

Result<Import> start_import(const Lab& lab, const std::string& node, const std::string& ctr, const std::string& path) {
  Import import{node, fmt::format("{}/log/{}-image.log", lab.directory(), node), 0};
  ::unlink(import.log.c_str());  // of an earlier image
  Lab::Command command;
  command.argv = {ctr, "-n", "k8s.io", "images", "import", path};
  command.output_path = import.log;
  command.die_with_caller = true;
  const auto pid = lab.start(node, command);
  if (!pid) return std::unexpected(pid.error().in(node));
  import.pid = *pid;
  return import;
}

Status finish(const Import& import, const std::string& file) {
  int status = 0;
  while (::waitpid(import.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(ErrorCode::kInvalidInput, fmt::format("{}: containerd on {} did not take it as an image; {}", file,
                                                    import.node, log_end(import.log)));
}

}  // namespace

Status load_image(const Lab& lab, const std::string& file) {
  const auto& api = lab.spec().kubernetes;
  if (!api || !api->kubelets) {
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("lab {} runs no pods, so it takes no images; `conntruth lab up --kubelet` makes one that does",
                    lab.spec().name));
  }
  std::error_code error;
  const auto path = std::filesystem::canonical(file, error).string();
  if (error || ::access(path.c_str(), R_OK) != 0) {
    return fail(ErrorCode::kNotFound, fmt::format("{}: {}", file, error ? error.message() : "cannot be read"));
  }
  const auto programs = Programs::look(api->programs);
  if (!programs) return std::unexpected(programs.error());
  const auto runtime = programs->containers();
  if (!runtime) return std::unexpected(runtime.error());
  Status result;
  std::vector<Import> imports;
  for (const auto& node : lab.topology().nodes) {
    auto import = start_import(lab, node.name, runtime->programs + "/ctr", path);
    if (import) imports.push_back(std::move(*import));
    if (!import) result = std::unexpected(import.error());
  }
  for (const auto& import : imports) {
    if (auto done = finish(import, file); !done && result) result = std::move(done);
  }
  return result;
}

}  // namespace conntruth::lab
