#pragma once
// An answer of status 400 and above as an Error that says what was asked, what the server said and what to do.
// Internal to the room. Source: meta/v1 Status. Threading: pure functions.

#include <string>
#include <string_view>

#include "common/result.hpp"
#include "kube/request.hpp"

namespace conntruth::kube {

// `body`: a Status object, or whatever a proxy in between wrote. `who`: Access::origin; `hint`: what is known about our
// own credentials ("the client certificate ended at ..."), for 401, and 403 of nobody.
[[nodiscard]] Error api_error(const Request& request, unsigned status, std::string_view body, std::string_view who,
                              std::string_view hint);

// The message of a Status object, or "".
[[nodiscard]] std::string status_message(std::string_view body);

// The RBAC rule that grants a request, on one line.
[[nodiscard]] std::string rbac_rule(const Request& request);

}  // namespace conntruth::kube
