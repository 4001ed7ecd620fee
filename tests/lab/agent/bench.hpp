#pragma once
// An engine and responders at work in a Network, and what they report.

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

#include "agent/probe/engine.hpp"
#include "agent/respond/responders.hpp"
#include "tests/lab/agent/network.hpp"

namespace conntruth::tests {

class Collector final : public probe::Sink, public respond::SightSink {
 public:
  void samples(std::uint64_t assignment, std::vector<Sample> batch) override;
  void task_finished(std::uint64_t assignment, std::uint32_t task) override;
  void assignment_finished(std::uint64_t assignment) override;
  void sights(std::vector<Sight> batch) override;
  void foreign_ended(const FlowQuestion& flow) override {
    if (on_foreign) on_foreign(flow);
  }
  std::function<void(const FlowQuestion&)> on_foreign;  // set before the engine begins

  // Waits for the end of an assignment; the test fails after a minute. Its samples, by id.
  [[nodiscard]] std::vector<Sample> wait(std::uint64_t assignment);
  // Waits until so many sights have come.
  [[nodiscard]] std::vector<Sight> wait_for_sights(std::size_t count);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::vector<Sample>> samples_;
  std::map<std::uint64_t, bool> finished_;
  std::vector<Sight> sights_;
};

inline constexpr std::uint16_t kPort = 8080;
inline constexpr std::uint32_t kResponder = 7;

// Engine places: "client" and "server". The server has a responder of each protocol at kPort: ids 7 (UDP), 8 (TCP), 9
// (SCTP).
class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void begin(std::uint32_t budget = 100'000);
  [[nodiscard]] std::vector<Sample> probe(const std::vector<ProbeTask>& tasks);
  [[nodiscard]] std::vector<Sample> probe(const ProbeTask& task) { return probe(std::vector<ProbeTask>{task}); }
  [[nodiscard]] static ProbeTask task(Method method, Family family, std::uint32_t count = 20);
  [[nodiscard]] static std::uint32_t responder_of(Method method);
  [[nodiscard]] std::uint64_t loss(const std::string& name) const;  // of engine and responders

  std::unique_ptr<Network> network;
  Collector collector;
  std::unique_ptr<respond::Responders> responders;
  std::unique_ptr<probe::Engine> engine;
  std::uint64_t assignment = 0;
};

inline constexpr std::array kMethods{Method::kUdpSocket, Method::kTcpSocket, Method::kUdpCrafted, Method::kTcpSyn,
                                     Method::kSctpInit};

// How many samples have the outcome.
[[nodiscard]] std::size_t count(const std::vector<Sample>& samples, Outcome outcome);

}  // namespace conntruth::tests

namespace conntruth {
// What a failed expectation prints.
void PrintTo(const Sample& sample, std::ostream* out);
}  // namespace conntruth
