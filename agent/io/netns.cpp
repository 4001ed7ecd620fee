#include "agent/io/netns.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <thread>

#include "agent/io/fd.hpp"

namespace conntruth::io {

Status enter_network_namespace(const std::string& path) {
  if (path.empty()) return {};
  const Fd target(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!target) return fail_errno("open network namespace " + path, errno);
  if (setns(target.get(), CLONE_NEWNET) != 0) return fail_errno("enter network namespace " + path, errno);
  return {};
}

Status in_network_namespace(const std::string& path, const std::function<Status()>& work) {
  if (path.empty()) return work();
  Status result;
  std::thread inside([&] {
    result = enter_network_namespace(path);
    if (result) result = work();
  });
  inside.join();
  return result;
}

}  // namespace conntruth::io
