#pragma once
// Turns drafts into the cells, controls and tasks of one stage. Internal to the room.
// Threading: one planner, one thread.

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "common/result.hpp"
#include "controller/plan/draft.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::plan {

// Responders of the whole run; an id stands for (agent, place, protocol, port) and both families.
class ResponderTable {
 public:
  std::uint32_t id(const Place& place, Protocol protocol, std::uint16_t port);
  // One that has its id already; ids that are given here do not depend on it.
  void adopt(const Place& place, Protocol protocol, std::uint16_t port, std::uint32_t id);
  [[nodiscard]] std::vector<PlannedResponder> take() { return std::move(responders_); }

 private:
  std::uint32_t last_ = 0;
  std::map<std::tuple<std::string, std::string, Protocol, std::uint16_t>, std::uint32_t> ids_;
  std::vector<PlannedResponder> responders_;
};

// A connection that is kept over the steps of a scenario, or a flow whose 5-tuple is.
struct KeptFlow {
  Flow flow;  // as it began, in the world of then
  world::World opened;
  Expectation last;  // at the step before
  std::vector<std::uint32_t> tasks;
};

// What all stages share.
struct Workshop {
  const Places& places;
  const PlanOptions& options;
  ResponderTable responders;
  std::uint32_t last_task = 0;
  std::vector<NotRun> not_run;
  std::uint16_t control_port;
  std::uint16_t closed_port;
  const ClusterDns& dns;
  std::map<std::string, KeptFlow> kept = {};  // by Draft::id_over_steps()

  // True where that agent can carry out that method; agents are not asked about where no capabilities are known.
  [[nodiscard]] bool can(const std::string& agent, Method method) const;
  [[nodiscard]] bool can_family(const std::string& agent, Family family) const;
};

// A server that is a process of the node's waits for its turn as kernels do not: so many time-outs.
inline constexpr int kServerPatience = 3;

class StageBuilder {
 public:
  StageBuilder(Workshop& workshop, Stage& stage) : workshop_(workshop), stage_(stage) {}

  // `world` is what the oracle is asked with. A cell that cannot run goes to Workshop::not_run.
  [[nodiscard]] Status add(const Draft& draft, const world::World& world);
  // The node follows the canary: probes at a fixed pace until `responder` answers.
  [[nodiscard]] Status add_follow(const Draft& draft, const world::World& world, std::uint32_t responder);

 private:
  [[nodiscard]] std::vector<Method> methods_of(const Draft& draft) const;
  [[nodiscard]] std::string why_not(const Draft& draft) const;
  [[nodiscard]] Flows flows_for(const Draft& draft, const Expectation& expectation) const;
  // The oracle's answer with the profiles' facts laid over it.
  [[nodiscard]] Result<Expectation> expect(const Draft& draft, const Flow& flow, const world::World& world);
  [[nodiscard]] Result<Expectation> expect_first(const Draft& draft, const Flow& flow, const world::World& world);
  // Puts a cell's tasks on the connection that its earlier steps opened, or on a new one, for later steps to find.
  void keep_flow(const Draft& draft, const world::World& world, Cell& cell);
  std::vector<std::uint32_t> body_tasks(const Draft& draft, const Expectation& expectation);
  // A name is looked up until its servers have heard of the change.
  std::vector<std::uint32_t> lookup_tasks(const Draft& draft, const Expectation& expectation);
  // That names can be looked up at all from there: one that every cluster has.
  std::uint32_t name_control(const Draft& draft);
  // A flow that lived before the change: the task ends as soon as it has seen what is expected often enough in a row.
  void pace_fixed_flow(const Draft& draft, const Expectation& expectation, ProbeTask& task);
  std::uint32_t add_task(const Origin& origin, const SocketAddress& target, Method method, std::uint32_t count,
                         std::vector<PlannedTask>& into);
  std::vector<std::uint32_t> flow_tasks(const Origin& origin, const SocketAddress& target, Protocol protocol,
                                        Flows flows);
  [[nodiscard]] std::vector<std::uint32_t> controls_for(const Draft& draft, const Expectation& expectation);
  std::vector<std::uint32_t> control_places(const Draft& draft, const std::vector<const Place*>& places);
  std::uint32_t path_control(const Origin& origin, const Place& place, Protocol protocol, Family family, bool positive);
  [[nodiscard]] std::vector<const Place*> spare_places(const Origin& origin) const;
  [[nodiscard]] const Place& neighbour_of(const Place& place) const;
  void responder_controls(const Expectation& expectation, Protocol protocol, std::vector<std::uint32_t>& into);
  // From where (a place, or the node that a client outside enters at), where to: what tells one control from another.
  // Pointers are compared only for being the same, the order of controls does not hang on them.
  using ControlKey = std::tuple<const Place*, std::size_t, IpAddress, std::uint16_t, Protocol>;
  // The control with that key, made by `describe` where there is none yet.
  template <typename Describe>
  std::uint32_t control(const Origin& origin, const SocketAddress& target, Protocol protocol, Describe describe);

  Workshop& workshop_;
  Stage& stage_;
  std::map<ControlKey, std::uint32_t> control_index_;
};

}  // namespace conntruth::plan
