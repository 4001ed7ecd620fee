#pragma once
// Ending the inits of a lab and waiting until they are gone with all that lived in their namespaces.

#include <string>
#include <vector>

#include "common/result.hpp"
#include "lab/topology/fd.hpp"

namespace conntruth::lab {

// Kills every init of that lab, whatever state it is in, and removes its directory; kNotFound where there was neither.
// Children of the caller inside the lab are reaped here, because a PID namespace ends only when its last process was.
// kUnavailable names a process whose (other) parent does not reap it.
[[nodiscard]] Status remove_lab(const std::string& name);

// Kills by pidfd and waits until each is gone or `milliseconds` passed; false: some are left.
[[nodiscard]] bool end_inits(const std::vector<Fd>& pidfds, int milliseconds);

}  // namespace conntruth::lab
