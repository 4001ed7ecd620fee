#pragma once
// A lab as the environment of a run: delivers worlds to its proxies, starts one agent per node and one for the
// external client inside the lab's namespaces.
//
// Only one run at a time may change a lab's world: the constructor's caller holds a lock on the lab's directory, and a
// second run gets kConflict with the first one's pid. Agents die with this process, whatever kills it.
// Threading: the run's thread only.

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/app/world_delivery.hpp"
#include "controller/provider/environment.hpp"
#include "lab/lab.hpp"

namespace conntruth::app {

struct AgentSettings {
  std::string program;       // path of conntruth-agent
  std::uint32_t budget_pps;  // probes per second and agent
};

class LabEnvironment final : public Environment {
 public:
  [[nodiscard]] static Result<LabEnvironment> open(const std::string& lab_name, AgentSettings settings);
  ~LabEnvironment() override;
  LabEnvironment(LabEnvironment&& other) noexcept;
  LabEnvironment(const LabEnvironment&) = delete;
  LabEnvironment& operator=(const LabEnvironment&) = delete;
  LabEnvironment& operator=(LabEnvironment&&) = delete;

  [[nodiscard]] const Topology& topology() const override { return lab_.topology(); }
  [[nodiscard]] std::vector<world::Node> nodes() const override { return lab_.nodes(); }
  [[nodiscard]] std::string kind() const override { return "lab"; }
  [[nodiscard]] std::string kernel() const override;
  [[nodiscard]] std::string where_agents_log() const override { return "their logs are in the lab's log directory"; }
  [[nodiscard]] std::map<std::string, std::string> dataplanes() const override;
  [[nodiscard]] std::size_t at_a_time() const override;
  [[nodiscard]] Result<world::Existing> existing() override { return delivery_->existing(); }
  [[nodiscard]] Status start_agents(const std::string& endpoint) override;
  void stop_agents() override;
  [[nodiscard]] Result<std::int64_t> publish(const world::World& world) override { return delivery_->publish(world); }
  // As the dataplanes need it, times how overloaded the machine is now.
  [[nodiscard]] Patience patience() const override;
  [[nodiscard]] std::vector<Programmed> wait_programmed(std::uint64_t generation,
                                                        std::chrono::steady_clock::time_point deadline) override {
    return delivery_->wait_programmed(generation, deadline);
  }

  // Where the controller should listen for this lab's agents: a unix socket in the lab's directory.
  [[nodiscard]] std::string controller_endpoint() const;

 private:
  LabEnvironment(lab::Lab lab, std::unique_ptr<WorldDelivery> delivery, AgentSettings settings, int lock)
      : lab_(std::move(lab)), delivery_(std::move(delivery)), settings_(std::move(settings)), lock_(lock) {}
  [[nodiscard]] std::size_t awaited_by_each() const;
  [[nodiscard]] Status start_agent(const std::string& place, const std::vector<Pod>& pods, const std::string& endpoint);

  lab::Lab lab_;
  std::unique_ptr<WorldDelivery> delivery_;
  AgentSettings settings_;
  int lock_ = -1;
  std::vector<pid_t> agents_;
};

}  // namespace conntruth::app
