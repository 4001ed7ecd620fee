#pragma once
// Work whose places can go away: looked after before each assignment and at its end, so that an assignment that was
// carried out in a place that is gone fails with that place's name, instead of reporting silence that is our own.
// Threading: as Worker and ResultSink; `check` is called from threads of either.

#include <functional>

#include "agent/session/worker.hpp"

namespace conntruth::agent {

class CheckedWork : public session::Worker, public session::ResultSink {
 public:
  using Check = std::function<Status()>;  // empty: never fails

  CheckedWork(session::ResultSink& sink, Check check) : sink_(sink), check_(std::move(check)) {}
  // Once, before the first call: the worker is made with this object as its sink.
  void set_worker(session::Worker& worker) { worker_ = &worker; }

  [[nodiscard]] Status carry_out(const Assignment& assignment) override {
    if (auto checked = check(); !checked) return checked;
    return worker_->carry_out(assignment);
  }
  void abandon() override { worker_->abandon(); }
  [[nodiscard]] std::vector<LossCounter> losses() const override { return worker_->losses(); }

  void samples(std::uint64_t assignment, std::vector<Sample> samples) override {
    sink_.samples(assignment, std::move(samples));
  }
  void sights(std::vector<Sight> sights) override { sink_.sights(std::move(sights)); }
  void hops(std::vector<Hop> hops) override { sink_.hops(std::move(hops)); }
  void rules(std::vector<RuleStep> rules) override { sink_.rules(std::move(rules)); }
  void entries(std::vector<EntryLife> entries) override { sink_.entries(std::move(entries)); }
  void rulesets(std::vector<Ruleset> rulesets) override { sink_.rulesets(std::move(rulesets)); }
  void notes(std::uint64_t assignment, std::vector<std::string> notes) override {
    sink_.notes(assignment, std::move(notes));
  }
  void finished(std::uint64_t assignment, const std::string& error) override {
    const auto checked = error.empty() ? check() : Status();
    sink_.finished(assignment, checked ? error : checked.error().message);
  }
  void quiet(std::uint64_t assignment) override { sink_.quiet(assignment); }
  [[nodiscard]] bool congested() const override { return sink_.congested(); }

 private:
  [[nodiscard]] Status check() const { return check_ ? check_() : Status(); }

  session::ResultSink& sink_;
  const Check check_;
  session::Worker* worker_ = nullptr;
};

}  // namespace conntruth::agent
