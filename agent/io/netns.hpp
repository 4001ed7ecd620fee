#pragma once
// Network namespaces by path. A socket belongs for life to the namespace that its maker was in.
// Errors: kNotFound where the path vanished, kPermission without CAP_SYS_ADMIN; each names the path.

#include <functional>
#include <string>

#include "common/result.hpp"

namespace conntruth::io {

// Moves the calling thread for good; "" leaves it where it is.
[[nodiscard]] Status enter_network_namespace(const std::string& path);

// Runs `work` inside, on a thread of its own, and waits for it; the caller stays where it is.
[[nodiscard]] Status in_network_namespace(const std::string& path, const std::function<Status()>& work);

}  // namespace conntruth::io
