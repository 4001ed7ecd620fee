#pragma once
// Cgroups that a lab's containers left behind: they belong to the machine, not to a namespace, so that the death of a
// node empties them but does not remove them. Threading: independent calls on different labs may run side by side.

#include <string>

#include "common/result.hpp"

namespace conntruth::lab {

inline constexpr const char* kCgroupFileSystem = "/sys/fs/cgroup";

// Below which cgroup of every hierarchy the containers of a lab's nodes live: "/conntruth-lab.NAME".
[[nodiscard]] std::string cgroup_of(const std::string& lab);

// Removes them from every hierarchy (v1 and v2); what does not exist is well. kUnavailable names one that still has
// processes. `file_system` is for tests.
[[nodiscard]] Status remove_cgroups(const std::string& lab, const std::string& file_system = kCgroupFileSystem);

}  // namespace conntruth::lab
