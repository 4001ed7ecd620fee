#pragma once
// Programs that a lab's namespaces run beside the reference proxy: started there under a shell that keeps their
// process number and, when they end, their exit status in DIRECTORY/run. Nothing of it outlives the namespace.
//   run/NODE-NAME.pid     as the node sees it
//   run/NODE-NAME.exit    exit status as a shell gives it (128 + signal); absent while it runs
//   log/NODE-NAME.log     what it prints
// Threading: one thread per Daemons object.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "lab/topology/fd.hpp"

namespace conntruth::lab {

// A namespace of a lab under construction.
struct Place {
  std::string name;  // "fabric", "node-1"
  pid_t init = 0;
  int init_pidfd = -1;
  [[nodiscard]] std::string netns() const { return "/proc/" + std::to_string(init) + "/ns/net"; }
};

struct DaemonState {
  pid_t inside = 0;              // its process number in its node; 0: none was started
  std::optional<int> exit_code;  // it has ended
};
[[nodiscard]] DaemonState daemon_state(const std::string& directory, const std::string& node, const std::string& name);

// The last lines of a log in one, for messages.
[[nodiscard]] std::string log_end(const std::string& path);

class Daemons {
 public:
  [[nodiscard]] static Result<Daemons> watch(const std::string& directory);

  // `title` is for messages: "kube-proxy:nftables".
  [[nodiscard]] Status start(const Place& place, const std::string& name, const std::string& title,
                             std::vector<std::string> argv);

  // Asks `ready` until it says yes: after each event, and every 50 ms because servers give no event of their being
  // ready. kUnavailable where one of the programs ended, or where NAME on `place` was not ready in time.
  [[nodiscard]] Status await(const Place& place, const std::string& name,
                             std::chrono::steady_clock::time_point deadline, const std::function<Status()>& ready);

 private:
  struct Daemon {
    std::string node;
    std::string name;
    std::string title;
    int init_pidfd;
  };
  Daemons() = default;
  [[nodiscard]] std::string log_of(const Daemon& daemon) const;
  [[nodiscard]] Status check_alive() const;
  void wait_for_news(std::chrono::milliseconds most) const;

  std::string directory_;
  Fd events_;
  std::vector<Daemon> daemons_;
};

}  // namespace conntruth::lab
