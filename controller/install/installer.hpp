#pragma once
// Brings a cluster's objects to what an install wants, by server-side apply, and takes back what it made where that
// does not come to its end. Source: kubernetes.io/docs/reference/using-api/server-side-apply.
//
// Errors: those of kube::Client. Threading: the caller's thread.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/install/objects.hpp"
#include "kube/client.hpp"

namespace conntruth::install {

enum class Outcome : std::uint8_t { kCreated, kChanged, kUnchanged };
[[nodiscard]] std::string_view to_string(Outcome outcome);

struct Applied {
  Object object;
  Outcome outcome = Outcome::kUnchanged;
};

using Say = std::function<void(const std::string&)>;  // progress, for people

// All of them, or an error that says what became of those before the one that failed: made ones are removed again;
// others, which were there before and were changed, are named.
[[nodiscard]] Result<std::vector<Applied>> apply_all(kube::Client& client, const std::vector<Object>& objects,
                                                     const Say& say);

// Whether two states of an object differ in more than what the server counts about it.
[[nodiscard]] bool same_content(const std::string& before, const std::string& after);

// Deletes them and comes back once none is there any more; those that are gone already are not missed. How many were
// there. kUnavailable names what is still there at the deadline.
[[nodiscard]] Result<std::size_t> remove_all(kube::Client& client, const std::vector<Object>& objects,
                                             kube::SteadyTime deadline, const Say& say);

}  // namespace conntruth::install
