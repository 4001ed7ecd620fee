#include "controller/profile/profile_file.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace conntruth::profile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kGood = R"(profile: mine
title: my proxy
dataplane: mine:fast
facts:
  - id: refuses-late
    text: it drops what has to be refused
    source: [docs/mine.md, "proxy.c:12"]
    versions: {from: "1.2", before: 1.4.5}
    when:
      rules: [etp-local, no-endpoints-refuse|no-endpoints-leaves-node]
      clients: [pod, external]
      entries: [nodePort]
      protocols: [udp]
      families: [ipv6]
      flow: new
    then:
      outcomes: [refused, timed-out]
      source: client-or-node
)";

std::string with(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

std::string mistake_in(const std::string& text) {
  const auto profile = read_profile(text, "mine.yaml");
  return profile ? "none" : profile.error().message;
}

TEST(ProfileFile, gives_facts_with_their_sources_conditions_and_effects) {
  const auto profile = read_profile(kGood, "mine.yaml");
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->dataplane, "mine:fast");
  ASSERT_EQ(profile->facts.size(), 1U);
  const auto& fact = profile->facts.front();
  EXPECT_THAT(fact.sources, ElementsAre("docs/mine.md", "proxy.c:12"));
  EXPECT_EQ(fact.versions.to_string(), "1.2 to before 1.4.5");
  EXPECT_THAT(fact.when.rules, ElementsAre("etp-local", "no-endpoints-refuse|no-endpoints-leaves-node"));
  EXPECT_THAT(fact.when.clients, ElementsAre(VantageKind::kPod, VantageKind::kExternal));
  EXPECT_EQ(fact.when.age, oracle::FlowAge::kNew);
  EXPECT_EQ(fact.then.outcomes, (OutcomeSet{false, true, true}));
  EXPECT_EQ(fact.then.source, SourceRule::kClientOrNode);
}

TEST(ProfileFile, names_file_line_and_field_of_a_mistake) {
  const std::string good(kGood);
  EXPECT_EQ(mistake_in(with(good, "etp-local,", "etp-locl,")),
            "mine.yaml:10: profile mine: facts[0].when.rules[0]: \"etp-locl\" is no rule of the specification; "
            "docs/semantics.md lists them");
  EXPECT_THAT(mistake_in(with(good, "no-endpoints-leaves-node", "x")), HasSubstr("mine.yaml:10: "));
  EXPECT_THAT(mistake_in(with(good, "clients: [pod", "clients: [pods")),
              HasSubstr("mine.yaml:11: profile mine: facts[0].when.clients[0]"));
  EXPECT_THAT(mistake_in(with(good, "outcomes:", "outcome:")), HasSubstr("mine.yaml:17: profile mine: facts[0].then"));
  EXPECT_THAT(mistake_in(with(good, "before: 1.4.5", "before: next")),
              HasSubstr("facts[0].versions.before: \"next\" is no version"));
  EXPECT_THAT(mistake_in(with(good, "before: 1.4.5", "before: 1.1")), HasSubstr("must be later than `from`"));
  EXPECT_THAT(mistake_in(with(good, "profile: mine", "profile: auto")), HasSubstr("is a word of --profile"));
}

TEST(ProfileFile, takes_no_fact_without_a_source_a_condition_or_an_effect) {
  const std::string good(kGood);
  EXPECT_THAT(mistake_in(with(good, "    source: [docs/mine.md, \"proxy.c:12\"]\n", "")),
              HasSubstr("facts[0].source: is required"));
  EXPECT_THAT(mistake_in(with(good, "      rules: [etp-local, no-endpoints-refuse|no-endpoints-leaves-node]\n", "")),
              HasSubstr("facts[0].when.rules: is required"));
  EXPECT_THAT(mistake_in(good.substr(0, good.find("      outcomes:")) + "      recorded: false\n"),
              HasSubstr("facts[0].then: is empty"));
  EXPECT_THAT(mistake_in(good + std::string(good.substr(good.find("  - id:")))), HasSubstr("a second fact named"));
}

TEST(ProfileFile, those_of_the_program_are_readable_and_say_where_each_fact_is_written) {
  const auto files = load_profiles(default_directory());
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_GE(files->size(), 2U);
  for (const auto& file : *files) {
    for (const auto& fact : file.profile.facts) {
      for (const auto& source : fact.sources) {
        if (!source.starts_with("docs/findings/")) continue;
        // A finding is named by its number.
        const auto number = source.substr(std::string_view("docs/findings/").size());
        std::ifstream index(std::string(CONNTRUTH_SOURCE_DIR) + "/docs/findings/README.md");
        const std::string text{std::istreambuf_iterator<char>(index), {}};
        EXPECT_THAT(text, HasSubstr(fmt::format("[{}](", number))) << file.origin << ": " << fact.id;
      }
    }
  }
}

TEST(ProfileFile, is_found_by_name_or_by_path_and_else_the_names_are_told) {
  EXPECT_EQ(find_profile("kube-proxy-iptables")->profile.dataplane, "kube-proxy:iptables");
  EXPECT_TRUE(find_profile(default_directory() + "/kube-proxy-nftables.yaml"));
  EXPECT_THAT(find_profile("kube-proxy").error().message,
              HasSubstr("no profile \"kube-proxy\"; there are kube-proxy-iptables, kube-proxy-nftables"));
  EXPECT_EQ(find_profile("./none.yaml").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace conntruth::profile
