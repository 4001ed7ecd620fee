#pragma once
// Binds the session to the work: assignments go to responders and engine, their results to the session's sink.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/io/clock.hpp"
#include "agent/io/fd.hpp"
#include "agent/observe/conntrack.hpp"
#include "agent/observe/conntrack_drops.hpp"
#include "agent/observe/kernel_symbols.hpp"
#include "agent/probe/engine.hpp"
#include "agent/respond/responders.hpp"
#include "agent/session/worker.hpp"
#include "agent/witness_watch.hpp"

namespace conntruth::agent {

struct Pace {
  std::uint32_t budget;   // probes per second
  std::uint32_t awaited;  // answers that a place awaits at a time
};

// A network namespace that is held open.
struct FoundPlace {
  io::Fd space;
  std::string path;  // of `space`, for as long as it is open
};
// Looks for a pod that came during the run. Errors name the place.
using FindPlace = std::function<Result<FoundPlace>(const PodPlace& wanted)>;

class NodeWorker : public session::Worker, private probe::Sink, private respond::SightSink {
 public:
  // `places`: name → path of the network namespace. Without `find` there are never more.
  NodeWorker(std::map<NamespaceName, std::string> places, Pace pace, session::ResultSink& sink, FindPlace find = {});
  ~NodeWorker() override;

  [[nodiscard]] Status carry_out(const Assignment& assignment) override;
  void abandon() override;
  [[nodiscard]] std::vector<LossCounter> losses() const override;

 private:
  // Engine and responders live from the first assignment to the next abandon().
  [[nodiscard]] Status start();
  [[nodiscard]] Status add_places(const std::vector<PodPlace>& wanted);
  [[nodiscard]] Status add_responders(const std::vector<ResponderSpec>& specs);
  // Does what the assignment orders of the packet walk.
  [[nodiscard]] Status order_walk(const Assignment& assignment);
  [[nodiscard]] Status start_walk(std::uint64_t assignment);
  void stop_walk();
  [[nodiscard]] std::map<std::string, std::uint64_t> running_losses() const;

  [[nodiscard]] std::optional<observe::ConntrackEntry> look_up(const FlowQuestion& flow);
  // Asks the node's connection tracking and reports what it knows as a sight.
  void foreign_ended(const FlowQuestion& flow) override;
  void samples(std::uint64_t assignment, std::vector<Sample> batch) override;
  void task_finished(std::uint64_t assignment, std::uint32_t task) override;
  void assignment_finished(std::uint64_t assignment) override;
  void assignment_quiet(std::uint64_t assignment) override;
  [[nodiscard]] bool congested() const override;
  void sights(std::vector<Sight> batch) override;

  const std::map<NamespaceName, std::string> places_;
  const Pace pace_;
  session::ResultSink& sink_;
  const FindPlace find_;
  std::map<NamespaceName, FoundPlace> found_;  // until the next abandon()
  const io::MonotonicClock clock_;
  mutable std::mutex conntrack_mutex_;
  std::optional<observe::Conntrack> conntrack_;  // guarded; none where it cannot be asked
  std::uint64_t conntrack_failures_ = 0;         // guarded
  observe::ConntrackDrops conntrack_drops_;
  std::map<std::string, std::uint64_t> past_losses_;  // of engines and responders that are gone
  std::unique_ptr<respond::Responders> responders_;
  std::unique_ptr<probe::Engine> engine_;
  std::shared_ptr<observe::KernelSymbols> symbols_ = std::make_shared<observe::KernelSymbols>();
  std::unique_ptr<WitnessWatch> watch_;  // while the walk is wanted
};

}  // namespace conntruth::agent
