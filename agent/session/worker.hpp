#pragma once
// The session's two sides towards the work itself: who carries assignments out, and where results go. The session knows
// neither probes nor sockets; agent/app.cpp binds both to the engine and the responders.

#include <cstdint>
#include <string>
#include <vector>

#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::session {

// Takes results from any thread and never blocks. Nothing that was given is dropped, except what was seen of
// probes (sights, hops, rules, entries, rulesets) beyond a hard bound, which is counted; so a worker that goes on
// although congested() costs memory, not results.
class ResultSink {
 public:
  ResultSink() = default;
  ResultSink(const ResultSink&) = delete;
  ResultSink& operator=(const ResultSink&) = delete;
  virtual ~ResultSink() = default;
  virtual void samples(std::uint64_t assignment, std::vector<Sample> samples) = 0;
  virtual void sights(std::vector<Sight> sights) = 0;
  virtual void hops(std::vector<Hop> hops) = 0;
  virtual void rules(std::vector<RuleStep> rules) = 0;
  virtual void entries(std::vector<EntryLife> entries) = 0;
  virtual void rulesets(std::vector<Ruleset> rulesets) = 0;
  // Before finished(): what of an assignment is not available here.
  virtual void notes(std::uint64_t assignment, std::vector<std::string> notes) = 0;
  // After the last sample of an assignment; with an error where it could not be carried out.
  virtual void finished(std::uint64_t assignment, const std::string& error) = 0;
  // Nothing is left of an assignment but to wait for the deadlines of probes that nobody seems to answer.
  virtual void quiet(std::uint64_t assignment) = 0;
  // True: start no new probes until it is false again. The controller does not take results as fast as they come.
  [[nodiscard]] virtual bool congested() const = 0;
};

// Called from the session's thread only.
class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  virtual ~Worker() = default;
  // Sets responders up and starts the tasks; results come through the sink, then finished(). On return the responders
  // answer. An error means that nothing of it was started; the session reports it as the assignment's.
  [[nodiscard]] virtual Status carry_out(const Assignment& assignment) = 0;
  // Stops all probing and drops all responders; when it returns nothing of them is left and the sink is not called any
  // more. carry_out() may follow.
  virtual void abandon() = 0;
  [[nodiscard]] virtual std::vector<LossCounter> losses() const = 0;  // totals since the start
};

}  // namespace conntruth::session
