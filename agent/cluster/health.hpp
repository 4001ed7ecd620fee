#pragma once
// What a kubelet's exec probe can be told: a file in the container, so that no port of the node is taken and no network
// is asked whether an agent is well that may sit behind a broken one.
//
// The agent writes it at every change and at least every kHealthEvery; a file that was not written for kHealthStale is
// one of an agent that hangs. Threading: Health from one thread; check_health() from another process.

#include <chrono>
#include <string>

#include "common/result.hpp"

namespace conntruth::agent {

inline constexpr std::chrono::seconds kHealthEvery{10};
inline constexpr std::chrono::seconds kHealthStale{60};

class Health {
 public:
  // The folder has to exist and be writable; kPermission or kNotFound from the first write() where it is not.
  explicit Health(const std::string& directory) : path_(directory + "/health") {}
  // `state`: one line for people. Written whole or not at all.
  [[nodiscard]] Status write(bool ready, const std::string& state) const;

 private:
  std::string path_;
};

// The state in words where the agent is live (and ready, if that is asked), else an Error with it.
[[nodiscard]] Result<std::string> check_health(const std::string& directory, bool ready);

}  // namespace conntruth::agent
