#pragma once
// A lab with a real kube-apiserver and one node, the agent's rights as deploy/ grants them, anchors as processes of
// another user in the node's pods, and a fleet behind TLS where the agents can reach it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "controller/fleet/fleet.hpp"
#include "kube/client.hpp"
#include "lab/lab.hpp"
#include "tests/support/certificates.hpp"

namespace conntruth::agent::test {

class ClusterLab : public testing::Test {
 protected:
  static void SetUpTestSuite();  // once for all: it takes longer than they do
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  // The API, as its administrator.
  static std::string make(const kube::Request& request);  // the answer, JSON
  static void call_for_agents(const std::string& run, const std::string& address);
  static void call_off();

  [[nodiscard]] static std::unique_ptr<fleet::Fleet> listen();  // at address()
  [[nodiscard]] static std::string address() { return "172.31.0.1:7443"; }

  // Processes of the node; those that still run are killed at the end of the test.
  void start_anchor(unsigned ordinal);
  void start_agent(const std::string& node = "node-1");
  void end(pid_t process);  // SIGKILL, waited for
  [[nodiscard]] int agent_ended();
  [[nodiscard]] int in_node(const std::string& command) const;
  // Whether the agent's log has it, within a minute.
  [[nodiscard]] bool logged(const std::string& text) const;
  [[nodiscard]] std::string log() const;
  [[nodiscard]] static std::string file(const std::string& name) { return directory_ + "/" + name; }
  static void put(const std::string& name, const std::string& text);

  pid_t agent_ = -1;
  std::vector<pid_t> anchors_;

 private:
  static void set_up_lab();
  static void set_up_rights();
  static void set_up_pods();
  [[nodiscard]] static std::string token(const std::string& audience, const std::string& pod);

  static inline std::string name_;
  static inline std::string directory_;
  static inline std::string skip_;
  static inline std::unique_ptr<lab::Lab> lab_;
  static inline std::unique_ptr<kube::Client> client_;
  static inline std::unique_ptr<tests::Certificate> authority_;
};

}  // namespace conntruth::agent::test
