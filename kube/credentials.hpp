#pragma once
// Who we are to the server, at any moment: tokens rotate, plug-ins' credentials end. Internal to the room.
//
// A token file is read again when it changed (its inode or time, through symlinks, as kubelet replaces it) and at the
// latest a minute after it was read; a plug-in runs again ten seconds before what it gave ends. Both after a 401.
// Threading: every function from any thread; current() may block as long as a plug-in takes.

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "common/result.hpp"
#include "kube/access.hpp"
#include "kube/exec_plugin.hpp"

namespace conntruth::kube {

struct Identity {
  std::string token;
  std::string certificate_pem;
  std::string key_pem;
  std::uint64_t generation =
      0;  // another one: another identity, which needs another TLS connection if it has a certificate
};

class Credentials {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Wall = std::chrono::system_clock::time_point;

  explicit Credentials(Access access) : access_(std::move(access)) {}

  [[nodiscard]] Result<Identity> current(Steady now, Wall wall, Steady deadline);
  // The server refused this generation: the next current() reads anew. False where nothing could change by that.
  [[nodiscard]] bool refused(std::uint64_t generation);
  // What is known to be wrong with them, for the message of a 401: "the client certificate ended at ...".
  [[nodiscard]] std::string hint(Wall wall) const;

 private:
  [[nodiscard]] Status read_token(Steady now);
  [[nodiscard]] Status ask_plugin(Wall wall, Steady deadline);

  Access access_;
  mutable std::mutex mutex_;
  Identity identity_;
  bool fresh_ = false;  // identity_ was read and not refused since
  Steady read_at_;
  struct stat seen_{};
  std::optional<Wall> expires_;
};

// notAfter of the first certificate of a PEM text.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> end_of_certificate(const std::string& pem);

}  // namespace conntruth::kube
