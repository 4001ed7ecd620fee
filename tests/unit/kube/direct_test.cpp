// The way to an API server that does not pass a Service.
#include "kube/direct.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/kube/fixture.hpp"

namespace conntruth::kube {
namespace {

using testing::HasSubstr;
using tests::Answer;
using tests::ScriptedServer;
using tests::ServedRequest;

std::string slice_of(unsigned short port) {
  return fmt::format(R"({{"endpoints":[{{"addresses":["127.0.0.1"]}}],"ports":[{{"port":{}}}]}})", port);
}

// The server itself, and a Service in front of it that can be broken.
class Direct : public testing::Test {
 protected:
  ~Direct() override { std::filesystem::remove(memory_); }
  [[nodiscard]] Result<DirectClient> connect(const Access& access, const std::string& url = {}) const {
    return connect_directly(access, fast(), {url, memory_, std::chrono::milliseconds(300)});
  }
  [[nodiscard]] std::string place() const { return fmt::format("127.0.0.1:{}", server_.port()); }

  const std::string memory_ = testing::TempDir() + "conntruth-direct-" + std::to_string(getpid());
  ScriptedServer server_{[this](const ServedRequest&) { return Answer{.body = slice_of(server_.port())}; }};
  ScriptedServer service_{[this](const ServedRequest&) { return Answer{.body = slice_of(server_.port())}; }};
};

TEST_F(Direct, the_servers_own_address_is_found_through_its_service_and_used_instead) {
  const auto found = connect(plain(service_));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->by, place());
  EXPECT_TRUE(found->direct);
  EXPECT_EQ(service_.connections(), 1U);
  EXPECT_EQ(service_.requests().at(0).path(), "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
}

TEST_F(Direct, a_broken_service_blinds_nobody_who_knew_the_server_before) {
  ASSERT_TRUE(connect(plain(service_)));
  auto broken = plain(service_);
  broken.host = "127.0.0.9";
  const auto found = connect(broken);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->by, place());
}

TEST_F(Direct, a_server_that_moved_is_found_through_the_service_again) {
  std::ofstream(memory_) << "127.0.0.9 1\n";
  const auto found = connect(plain(service_));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->by, place());
}

TEST_F(Direct, without_the_right_to_look_the_service_is_used_and_the_reason_told) {
  const ScriptedServer refusing([](const ServedRequest&) { return Answer{.status = 403}; });
  const auto found = connect(plain(refusing));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(found->direct);
  EXPECT_THAT(found->by, HasSubstr("the right to get endpointslices default/kubernetes is missing"));
}

TEST_F(Direct, nobody_answering_names_each_address) {
  std::ofstream(memory_) << "127.0.0.9 1\n";
  auto broken = plain(service_);
  broken.host = "127.0.0.8";
  broken.port = 1;
  const auto found = connect(broken);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(found.error().message, HasSubstr("127.0.0.9:1"));
  EXPECT_THAT(found.error().message, HasSubstr("127.0.0.8:1"));
}

TEST_F(Direct, the_flag_stands_above_everything) {
  auto broken = plain(service_);
  broken.host = "127.0.0.8";
  const auto found = connect(broken, "http://" + place());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->by, place() + ", as --api-server says");
  const auto wrong = connect(broken, "127.0.0.1:6443");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("--api-server: \"127.0.0.1:6443\" has no scheme"));
}

TEST_F(Direct, a_slice_without_sense_names_no_server) {
  EXPECT_TRUE(servers_of("").empty());
  EXPECT_TRUE(servers_of(R"({"ports":[{"port":"x"}]})").empty());
  EXPECT_TRUE(servers_of(R"({"endpoints":[{"addresses":["x"]}],"ports":[{"port":6443}]})").empty());
  const auto six = servers_of(R"({"endpoints":[{"addresses":["fd00::1"]}],"ports":[{"port":6443}]})");
  ASSERT_EQ(six.size(), 1U);
  EXPECT_EQ(six[0].to_string(), "[fd00::1]:6443");
}

}  // namespace
}  // namespace conntruth::kube
