#pragma once
// Where Kubernetes' programs are: in a folder of the user's, or in the cache that `./run setup kube` fills.
//
//   CACHE/v1.36.3-0123456789ab/bin/kube-proxy      CACHE = ${XDG_CACHE_HOME:-$HOME/.cache}/conntruth/kube
//   CACHE/etcd/bin/etcd, CACHE/containerd/{bin,cni}, CACHE/coredns-VERSION-HASH/images/coredns.tar
//   CACHE/helm-VERSION-HASH/bin/helm
// Threading: reads the file system, no state.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace conntruth::lab {

struct ProgramSet {
  std::string version;    // "v1.36.3"
  std::string directory;  // of the programs
};

// containerd, its shim, ctr and runc; and the plug-ins that give pods their network.
struct ContainerRuntime {
  std::string programs;  // folders
  std::string cni;
};

class Programs {
 public:
  // `preferred` (may be empty) is looked at first. kNotFound where it holds none of the programs.
  [[nodiscard]] static Result<Programs> look(const std::string& preferred,
                                             const std::string& cache = cache_directory());
  [[nodiscard]] static std::string cache_directory();

  struct Found {
    std::string path;
    std::string version;  // "": one of `preferred`, which only the program itself knows
  };
  // `version`: "1.36", "v1.36.3" of those that were built; "" for the one of `preferred`, or where it has none the
  // newest that begins with `fallback`, which may be "", too. kNotFound lists what there is.
  [[nodiscard]] Result<Found> find(std::string_view program, std::string_view version, std::string_view fallback) const;
  [[nodiscard]] Result<std::string> etcd() const;
  [[nodiscard]] Result<ContainerRuntime> containers() const;
  // The image of "pause" or "coredns", as a file for `ctr images import`.
  [[nodiscard]] Result<std::string> image(std::string_view program) const;
  // kNotFound where it was not built.
  [[nodiscard]] Result<std::string> helm() const;

 private:
  std::string preferred_;
  std::string cache_;
  std::vector<ProgramSet> built_;    // newest version first; of one version the latest build first
  std::vector<std::string> others_;  // folders of all that is not Kubernetes itself, too; the latest first
};

}  // namespace conntruth::lab
