#pragma once
// All that is looked at on this node while witnesses are under way: the packet walk, the rules of the packet filter
// that their packets meet, the entries of connection tracking that they have; and when they have ended, all rules.
// Without the walk there is nothing, as only its hops tell which packets and flows are theirs; of all else notes say
// where it is not seen. Threading: one thread at a time.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/drain_thread.hpp"
#include "agent/observe/entry_watch.hpp"
#include "agent/observe/rule_trace.hpp"
#include "agent/session/worker.hpp"
#include "agent/walk_reporter.hpp"

namespace conntruth::agent {

class WitnessWatch {
 public:
  // Places: name → path of the network namespace, which have to stay there. `symbols` are kept from one watch to the
  // next. `sink` must outlive it, and gets hops as they come, all else when it stops. `notes` is added to: what is not
  // seen here and why.
  [[nodiscard]] static Result<std::unique_ptr<WitnessWatch>> start(std::map<NamespaceName, std::string> places,
                                                                   std::shared_ptr<observe::KernelSymbols> symbols,
                                                                   session::ResultSink& sink,
                                                                   std::vector<std::string>& notes);
  ~WitnessWatch() { detach(); }
  WitnessWatch(const WitnessWatch&) = delete;
  WitnessWatch& operator=(const WitnessWatch&) = delete;

  // Detaches, and hands over the rest. Once.
  void stop();
  // Detaches alone.
  void detach();
  // Adds what was lost so far: "walk-ring-full", "rule-traces-lost", "conntrack-events-lost".
  void add_losses(std::map<std::string, std::uint64_t>& losses) const;

 private:
  WitnessWatch(std::map<NamespaceName, std::string> places, session::ResultSink& sink)
      : places_(std::move(places)), sink_(sink) {}
  void start_rules(std::vector<std::string>& notes);
  void start_entries(std::vector<std::string>& notes);

  const std::map<NamespaceName, std::string> places_;
  session::ResultSink& sink_;
  std::optional<observe::RuleTrace> rules_;      // none where they cannot be traced
  std::optional<observe::EntryWatch> entries_;   // none where they cannot be followed
  std::unique_ptr<DrainThread> rules_thread_;    // while it is attached
  std::unique_ptr<DrainThread> entries_thread_;  // while it is attached
  std::unique_ptr<WalkReporter> walk_;           // hands its hops to both, too
};

}  // namespace conntruth::agent
