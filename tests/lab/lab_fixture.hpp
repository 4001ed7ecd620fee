#pragma once
// What the lab tests share: a lab with a name of its own that goes when the test ends, and commands in it.

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "lab/lab.hpp"

namespace conntruth::lab::test {

std::string lab_name(const std::string& suffix);  // "t<pid>-<suffix>"

struct Output {
  int status = -1;
  std::string text;  // stdout and stderr
};
// `script` by sh in a namespace of the lab; a failure to start it fails the test.
Output run(const Lab& lab, const std::string& node, const std::string& script, const std::string& pod = "");

// True where `address` answered a TCP connection with a reset: nobody listens there, but somebody is there.
bool answers(const Lab& lab, const std::string& node, const std::string& pod, const IpAddress& address);

// What a lab must not change: links, addresses and mounts of this machine, named network namespaces.
std::string host_state();
// Inits with this lab name, as the kernel shows them.
std::vector<std::string> inits_of(const std::string& lab);

class LabTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "making network namespaces needs root";
  }
  void TearDown() override;
  // Fails the test where the lab cannot be built.
  Lab build(LabSpec spec);
  LabSpec spec(const std::string& suffix);  // 2 nodes, 1 pod each, no proxy; removed at the end of the test

 private:
  std::vector<std::string> names_;
};

}  // namespace conntruth::lab::test
