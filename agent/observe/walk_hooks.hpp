#pragma once
// The walk's lookouts at the netfilter hooks of one network namespace, both families, for as long as the object lives.

#include <array>
#include <string>
#include <vector>

#include "agent/io/fd.hpp"
#include "agent/observe/walk_programs.hpp"
#include "common/address.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

class PlaceHooks {
 public:
  // `netns`: a path, "" for the caller's. Fails where the namespace cannot be entered; a lookout that the kernel
  // refuses is told by missing().
  [[nodiscard]] static Result<PlaceHooks> attach(const std::string& netns, const WalkPrograms& programs);

  // Whether connection tracking looks at packets of the family there.
  [[nodiscard]] bool tracked(Family family) const { return tracked_[index(family)]; }
  // Whether every lookout is there; where not, missing() has each reason once.
  [[nodiscard]] bool whole(Family family) const { return whole_[index(family)]; }
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }
  [[nodiscard]] std::vector<std::uint32_t> link_ids() const;

 private:
  PlaceHooks() = default;
  static std::size_t index(Family family) { return family == Family::kIpv4 ? 0 : 1; }
  void attach_family(Family family, const WalkPrograms& programs);
  [[nodiscard]] Status attach_one(Family family, const Lookout& lookout, int program);

  std::vector<io::Fd> links_;
  std::vector<std::string> missing_;
  std::array<bool, 2> tracked_ = {false, false};
  std::array<bool, 2> whole_ = {true, true};
};

}  // namespace conntruth::observe
