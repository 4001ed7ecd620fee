#pragma once
// Starting processes in other namespaces: a node's init, tools that configure a network namespace, and commands inside
// a node. Every child closes what it was not given; what it does between fork and exec is async-signal-safe, so callers
// may have threads. Errors: kPermission, kUnsupported (kernel feature), kNotFound (program), kUnavailable (the node is
// gone).

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/result.hpp"
#include "lab/topology/fd.hpp"

namespace conntruth::lab {

// A pipe that all inits of a lab under construction hold. `keep` is the creator's end: when it vanishes before
// release() was called, every init ends. One byte releases all of them at once, because nobody takes it out.
class LifeLine {
 public:
  [[nodiscard]] static Result<LifeLine> make();
  [[nodiscard]] Status release();
  [[nodiscard]] int held_by_init() const { return read_.get(); }

 private:
  Fd read_;
  Fd write_;
};

struct StartedInit {
  pid_t pid = 0;
  Fd pidfd;
  Fd report;
};
// Starts PROGRAM (conntruth-lab-init) in namespaces of its own; returns at once.
[[nodiscard]] Result<StartedInit> start_init(const std::string& program, const std::string& lab,
                                             const std::string& node, const std::string& pods,
                                             const LifeLine& life_line);
// Waits until it has prepared its namespaces.
[[nodiscard]] Status await_init(const StartedInit& init);

// A tool such as `ip -batch -` with its standard input, in a network namespace.
struct Tool {
  std::string what;   // for messages: "node-1"
  std::string netns;  // path
  std::vector<std::string> argv;
  std::string input;
};
// Runs all of them, at most `parallel` at once; the first failure is returned after all have ended.
[[nodiscard]] Status run_tools(const std::vector<Tool>& tools, unsigned parallel);

struct Inside {
  int init_pidfd = -1;  // whose namespaces to enter
  std::string netns;    // non-empty: this network namespace (path inside the node) instead
  std::vector<std::string> argv;
  std::string output_path;  // as seen by the caller
  bool die_with_caller = false;
};
// The command becomes a child of the caller; returns its pid here once the program runs.
[[nodiscard]] Result<pid_t> start_inside(const Inside& inside);
// The command becomes a child of the node's init, in a session of its own, and outlives the caller.
[[nodiscard]] Status start_daemon_inside(const Inside& inside);

}  // namespace conntruth::lab
