// What a run that reads is asked for, on its way to a controller and into a run's store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/app/options_json.hpp"
#include "controller/app/run_request.hpp"

namespace conntruth::app {
namespace {

plan::ReadingOptions asked() { return {true, {"shop/*"}, {"kube-system"}, true, 77, 5}; }

void expect_same(const plan::ReadingOptions& one, const plan::ReadingOptions& other) {
  EXPECT_EQ(one.existing, other.existing);
  EXPECT_EQ(one.services, other.services);
  EXPECT_EQ(one.namespaces, other.namespaces);
  EXPECT_EQ(one.udp, other.udp);
  EXPECT_EQ(one.probes, other.probes);
  EXPECT_EQ(one.rate, other.rate);
}

TEST(ReadingOptions, reach_a_cluster_s_controller_as_they_were) {
  RunRequest request;
  request.options.reading = asked();
  const auto json = request_to_json(request);
  ASSERT_TRUE(json) << json.error().message;
  const auto back = request_from_json(*json);
  ASSERT_TRUE(back) << back.error().message;
  expect_same(back->options.reading, asked());
  EXPECT_FALSE(request_from_json("{}")->options.reading.existing);
}

TEST(ReadingOptions, come_out_of_a_run_s_store_as_they_were) {
  RunSettings settings;
  settings.options.reading = asked();
  const auto back = settings_from_json(settings_to_json(settings));
  ASSERT_TRUE(back) << back.error().message;
  expect_same(back->options.reading, asked());
  EXPECT_FALSE(settings_to_json({}).contains("reading")) << "other runs are stored as ever";
}

TEST(ReadingOptions, mistakes_are_named) {
  const auto message = [](const char* json) {
    const auto request = request_from_json(json);
    return request ? std::string("none") : request.error().message;
  };
  EXPECT_EQ(
      message(R"({"existing": {"service": []}})"),
      "options of the run: field existing: service is not known; there are services, namespaces, udp, probes, rate");
  EXPECT_THAT(message(R"({"existing": {"rate": 0}})"), testing::HasSubstr("rate at least 1"));
  EXPECT_THAT(message(R"({"existing": {"probes": 100001}})"), testing::HasSubstr("at most 100000"));
}

}  // namespace
}  // namespace conntruth::app
