#include "lab/kubernetes/programs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <functional>

namespace conntruth::lab {

namespace {

namespace files = std::filesystem;

constexpr std::array<std::string_view, 4> kPrograms{"kube-apiserver", "kube-proxy", "etcd", "kubectl"};

bool is_program(const std::string& path) { return ::access(path.c_str(), X_OK) == 0 && !files::is_directory(path); }

std::string_view without_v(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  return version;
}

// "1.36" is the beginning of "v1.36.3", "1.3" is not.
bool matches(std::string_view version, std::string_view wanted) {
  const auto whole = without_v(version);
  const auto part = without_v(wanted);
  return whole.starts_with(part) && (part.empty() || whole.size() == part.size() || whole[part.size()] == '.');
}

std::array<int, 3> numbers(std::string_view version) {
  std::array<int, 3> result{};
  auto rest = without_v(version);
  for (auto& number : result) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc()) break;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.starts_with('.')) rest.remove_prefix(1);
  }
  return result;
}

struct Build {
  std::string name;  // "v1.36.3-0123456789ab", "coredns-v1.14.7-0123456789ab"
  std::string path;
  files::file_time_type at;
};

// Every finished build of a cache, the latest first.
std::vector<Build> builds_in(const std::string& cache) {
  std::vector<Build> builds;
  std::error_code error;
  for (files::directory_iterator entry(cache, error), end; !error && entry != end; entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (!name.contains('-') || name.contains(".tmp")) continue;
    std::error_code ignored;
    builds.push_back({std::move(name), entry->path().string(), entry->last_write_time(ignored)});
  }
  std::ranges::sort(builds, std::greater(), &Build::at);
  return builds;
}

std::vector<ProgramSet> built_in(const std::vector<Build>& builds) {
  std::vector<ProgramSet> sets;
  for (const auto& build : builds) {
    if (build.name.starts_with('v')) sets.push_back({build.name.substr(0, build.name.find('-')), build.path + "/bin"});
  }
  // Stable: of one version the latest build stays first.
  std::ranges::stable_sort(sets, std::greater(), [](const ProgramSet& set) { return numbers(set.version); });
  return sets;
}

}  // namespace

std::string Programs::cache_directory() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::string(cache) + "/conntruth/kube";
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "/root" : home) + "/.cache/conntruth/kube";
}

Result<Programs> Programs::look(const std::string& preferred, const std::string& cache) {
  Programs programs;
  programs.preferred_ = preferred.empty() ? "" : files::absolute(preferred).lexically_normal().string();
  programs.cache_ = cache;
  const auto builds = builds_in(cache);
  programs.built_ = built_in(builds);
  for (const auto& build : builds) programs.others_.push_back(build.path);
  const auto has = [&](std::string_view name) { return is_program(fmt::format("{}/{}", programs.preferred_, name)); };
  if (preferred.empty() || std::ranges::any_of(kPrograms, has)) return programs;
  return fail(ErrorCode::kNotFound,
              fmt::format("{}: there is none of {} in it", preferred, fmt::join(kPrograms, ", ")));
}

Result<Programs::Found> Programs::find(std::string_view program, std::string_view version,
                                       std::string_view fallback) const {
  if (!preferred_.empty() && version.empty()) {
    auto path = fmt::format("{}/{}", preferred_, program);
    if (is_program(path)) return Found{std::move(path), ""};
  }
  const auto wanted = version.empty() ? fallback : version;
  std::string there;
  for (const auto& set : built_) {
    auto path = fmt::format("{}/{}", set.directory, program);
    if (!is_program(path)) continue;
    if (matches(set.version, wanted)) return Found{std::move(path), set.version};
    if (!there.contains(set.version)) there += (there.empty() ? "" : ", ") + set.version;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("no {}{}{} was built; there is {} in {}; `./run setup kube` builds what conntruth is tested "
                          "with, --kube-bin DIR takes programs of yours",
                          program, wanted.empty() ? "" : " ", wanted, there.empty() ? "none" : there, cache_));
}

Result<std::string> Programs::etcd() const {
  for (const auto& path : {preferred_ + "/etcd", cache_ + "/etcd/bin/etcd", std::string("/usr/bin/etcd")}) {
    if (is_program(path)) return path;
  }
  return fail(ErrorCode::kNotFound, "no etcd in /usr/bin or " + cache_ + "; `./run setup kube` gets it");
}

Result<ContainerRuntime> Programs::containers() const {
  ContainerRuntime runtime{cache_ + "/containerd/bin", cache_ + "/containerd/cni"};
  if (is_program(runtime.programs + "/containerd") && is_program(runtime.cni + "/host-local")) return runtime;
  return fail(ErrorCode::kNotFound, "no containerd in " + cache_ + "; `./run setup kube` gets it");
}

Result<std::string> Programs::image(std::string_view program) const {
  for (const auto& folder : others_) {
    auto path = fmt::format("{}/images/{}.tar", folder, program);
    if (::access(path.c_str(), R_OK) == 0) return path;
  }
  return fail(ErrorCode::kNotFound, fmt::format("no image of {} in {}; `./run setup kube` makes it", program, cache_));
}

Result<std::string> Programs::helm() const {
  for (const auto& folder : others_) {
    if (auto path = folder + "/bin/helm"; is_program(path)) return path;
  }
  return fail(ErrorCode::kNotFound, fmt::format("no helm in {}; `./run setup kube` builds it", cache_));
}

}  // namespace conntruth::lab
