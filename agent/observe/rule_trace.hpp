#pragma once
// What nf_tables does with the packets of probes on this node, rule by rule, while the object is attached: a table of
// its own in each namespace sets the nftrace bit of packets that carry a probe's magic and of what answers them, and
// the kernel tells of each rule that they meet. The tables have their owner's flag, so that the kernel removes them
// when the process ends, however it ends. Rules of iptables-nft are rules of nf_tables, too; those of iptables-legacy
// are not seen, and unavailable() says so where there are any.
//
// Needs CAP_NET_ADMIN in each namespace, and Linux 5.12 for owned tables.
// Threading: one thread at a time, but saw() may run beside drain(), and lost() is for any.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/hop.hpp"
#include "common/model/rule_step.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

inline constexpr auto kTraceTable = "conntruth-trace";  // "table inet conntruth-trace-PID"

class RuleTrace {
 public:
  // Name → path of the network namespace; the caller's own, "", is always looked at. An error where that one cannot be
  // traced; of the others unavailable() tells.
  [[nodiscard]] static Result<RuleTrace> attach(const std::map<NamespaceName, std::string>& places);

  RuleTrace(RuleTrace&&) noexcept;
  RuleTrace& operator=(RuleTrace&&) noexcept;
  RuleTrace(const RuleTrace&) = delete;
  RuleTrace& operator=(const RuleTrace&) = delete;
  ~RuleTrace();

  [[nodiscard]] std::vector<int> fds() const;  // readable (epoll) while events wait
  // Takes in what waits.
  void drain();
  // Hops of the packet walk that is attached at the same time: they tell whose packets these are.
  void saw(const std::vector<Hop>& hops);
  // Takes in what waits, and leaves every namespace.
  void detach();
  // After detach(), while the rules are still as they were: every step of a packet that the walk saw, with the rules'
  // texts. Once.
  [[nodiscard]] std::vector<RuleStep> steps();

  // Events for which there was no room, that could not be read, or of packets that the walk did not see.
  [[nodiscard]] std::uint64_t lost() const;
  // What is not seen here and why, a line each.
  [[nodiscard]] const std::vector<std::string>& unavailable() const;

 private:
  struct State;
  explicit RuleTrace(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace conntruth::observe
