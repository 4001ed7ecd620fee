#pragma once
// A trace of the packet filter's rules at work: a thread of its own takes in what the kernel tells, as it has room for
// a moment's only.

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "agent/io/poller.hpp"
#include "agent/observe/rule_trace.hpp"

namespace conntruth::agent {

class RuleReporter {
 public:
  [[nodiscard]] static Result<std::unique_ptr<RuleReporter>> start(observe::RuleTrace trace);
  ~RuleReporter() { end(); }
  RuleReporter(const RuleReporter&) = delete;
  RuleReporter& operator=(const RuleReporter&) = delete;

  // From one thread at a time, and not beside stop().
  void saw(const std::vector<Hop>& hops) { trace_.saw(hops); }
  // Leaves every namespace and returns what was traced of packets that were seen. Once.
  [[nodiscard]] std::vector<RuleStep> stop();
  [[nodiscard]] std::uint64_t lost() const { return trace_.lost(); }

 private:
  RuleReporter(observe::RuleTrace trace, io::Poller poller, io::Wakeup ending)
      : trace_(std::move(trace)), poller_(std::move(poller)), ending_(std::move(ending)) {}
  void take_in();
  void end();

  observe::RuleTrace trace_;
  io::Poller poller_;
  io::Wakeup ending_;
  std::thread thread_;
};

}  // namespace conntruth::agent
