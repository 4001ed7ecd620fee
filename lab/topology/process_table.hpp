#pragma once
// What runs on this machine, read from /proc: the only source of truth about which labs exist.
//
// A node's init is a process whose argument vector is `conntruth-lab-init LAB NODE`, that is process 1 of a PID
// namespace below ours and belongs to root; the last two keep a stranger's process with that name from being taken for
// one. A pid may be reused between look and deed: hold a pidfd and compare `start_time` before signalling. Threading:
// reads /proc, no state.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "lab/topology/fd.hpp"

namespace conntruth::lab {

inline constexpr std::string_view kInitProgram = "conntruth-lab-init";
inline constexpr std::string_view kProxyProgram = "conntruth-lab-proxy";

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t inside = 0;                 // its pid in its own PID namespace
  bool root = false;                // effective user 0
  bool nested = false;              // lives in a PID namespace below ours
  std::uint64_t start_time = 0;     // clock ticks since boot
  std::uint64_t pid_namespace = 0;  // inode; 0 where it could not be read
  std::vector<std::string> argv;    // empty: a kernel thread or a process that is exiting

  [[nodiscard]] std::string_view program() const;  // last path component of argv[0]
};

[[nodiscard]] std::optional<Process> read_process(pid_t pid);
[[nodiscard]] std::vector<Process> read_processes();

struct InitProcess {
  std::string lab;
  std::string node;
  Process process;
};
[[nodiscard]] std::vector<InitProcess> inits_among(const std::vector<Process>& processes);
// The same of all that run now, without reading what is no init: a tenth of the time.
[[nodiscard]] std::vector<InitProcess> read_inits();

// A pidfd of exactly this process; kNotFound where it is gone.
[[nodiscard]] Result<Fd> open_process(const Process& process);

}  // namespace conntruth::lab
