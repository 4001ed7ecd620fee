#pragma once
// A real kube-apiserver for the tests of one program, and a client of it. What a test leaves behind is swept.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "controller/kube/world_writer.hpp"
#include "tests/lab/kube_client/api_server.hpp"

namespace conntruth::kube {

class RealApi : public testing::Test {
 protected:
  // Once for all suites: it takes longer than they do.
  static void SetUpTestSuite() {
    if (server_) return;
    auto started = ApiServer::start();
    if (started) {
      server_ = std::move(*started);
    } else {
      why_ = started.error();
    }
  }
  void SetUp() override {
    if (!server_ && why_.code == ErrorCode::kNotFound) GTEST_SKIP() << why_.message;
    ASSERT_TRUE(server_) << why_.message;
    client_ = server_->client();
  }
  void TearDown() override {
    if (!client_) return;
    auto cluster = adopt();
    const auto swept = cluster.sweep();
    EXPECT_TRUE(swept) << swept.error().message;
    EXPECT_THAT(adopt().published().services, testing::IsEmpty());
  }
  ClusterWorld adopt() const {
    ClusterWorldOptions options;
    options.finalize_namespaces = true;
    auto cluster = ClusterWorld::adopt(*client_, options);
    EXPECT_TRUE(cluster) << cluster.error().message;
    return std::move(*cluster);
  }

  static inline std::unique_ptr<ApiServer> server_;
  static inline Error why_;
  std::unique_ptr<Client> client_;
};

}  // namespace conntruth::kube
