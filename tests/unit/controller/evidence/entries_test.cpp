// Which entries of connection tracking a walk had, and what is said of them.
#include "controller/evidence/entries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/evidence/walks.hpp"

namespace conntruth::evidence {
namespace {

using testing::HasSubstr;

EntryLife translated() {
  EntryLife life;
  life.protocol = Protocol::kTcp;
  life.original_source = kClient;
  life.original_destination = kEntry;
  life.reply_source = kEndpoint;
  life.reply_destination = kClient;
  life.status = kEntryDestinationNat;
  life.created_ns = 1'001;
  life.after = true;
  life.timeout_s = 60;
  return life;
}

// As its endpoint's node has it, where nothing is left to translate.
EntryLife plain() {
  auto life = translated();
  life.original_destination = kEndpoint;
  life.status = 0;
  return life;
}

std::vector<Step> steps() { return static_cast<Walk>(WalkOf(Outcome::kReplied).arrives()).steps; }

TEST(Entries, a_walk_has_the_entries_of_each_node_that_it_came_by) {
  Entries entries;
  entries.take("node-2", plain());
  entries.take("node-1", translated());
  entries.take("node-3", translated());  // somebody of the same addresses elsewhere
  const auto found = entries.of(steps());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].node, "node-1");
  EXPECT_EQ(found[1].node, "node-2");
}

TEST(Entries, a_pod_s_entry_is_not_its_node_s) {
  Entries entries;
  auto life = translated();
  life.place = "node-1-pod-0";
  entries.take("node-1", life);
  const auto found = entries.of(steps());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].where(), "node-1-pod-0");
  life.place = "node-1-pod-1";
  Entries others;
  others.take("node-1", life);
  EXPECT_TRUE(others.of(steps()).empty());
}

TEST(Entries, an_answer_s_steps_find_it_too) {
  Entries entries;
  entries.take("node-1", translated());
  const auto back = WalkOf(Outcome::kReplied).back().step("node-1", "", HopKind::kDeviceIn, kEndpoint, kClient);
  EXPECT_EQ(entries.of(static_cast<Walk>(back).steps).size(), 1U);
}

TEST(Entries, other_ports_and_protocols_are_others_and_twice_the_same_is_once) {
  Entries entries;
  auto port = translated();
  port.original_source.port = port.reply_destination.port = 1;
  entries.take("node-1", port);
  auto udp = translated();
  udp.protocol = Protocol::kUdp;
  entries.take("node-1", udp);
  EXPECT_TRUE(entries.of(steps()).empty());
  entries.take("node-1", translated());
  entries.take("node-1", translated());
  EXPECT_EQ(entries.of(steps()).size(), 1U);
}

TEST(Entries, what_they_are_in_words) {
  Walk walk = WalkOf(Outcome::kReplied).arrives();
  walk.entries = {{"node-1", translated()}};
  const auto text = entries_to_text(walk);
  EXPECT_THAT(text, HasSubstr("node-1 "));
  EXPECT_THAT(text, HasSubstr("tcp 10.244.1.10:40000 > 10.96.0.10:80, translated to 10.244.1.10:40000 > "
                              "10.244.2.10:5000  unreplied dnat"));
  EXPECT_THAT(text, HasSubstr("created 1.0 us after the first step, still there afterwards, for 60 s"));
  walk.entries = {{"node-2", plain()}};
  EXPECT_THAT(entries_to_text(walk), testing::Not(HasSubstr("translated")));
}

TEST(Entries, every_beginning_and_end_has_its_words) {
  auto life = translated();
  life.after = false;
  const auto ending = [&](EntryEnd end) {
    life.end = end;
    life.destroyed_ns = end == EntryEnd::kNone || end == EntryEnd::kUnseen ? 0 : 5'000'000;
    return life_to_text(life, 0);
  };
  EXPECT_THAT(ending(EntryEnd::kNone), HasSubstr("its end is not known"));
  EXPECT_THAT(ending(EntryEnd::kExpired), HasSubstr("expired 5.0 ms after the first step"));
  EXPECT_THAT(ending(EntryEnd::kByKernel), HasSubstr("removed by the kernel before its time"));
  EXPECT_THAT(ending(EntryEnd::kUnseen), HasSubstr("nobody saw it go"));
  life.remover = 712;
  EXPECT_THAT(ending(EntryEnd::kDeleted), HasSubstr("by netlink port 712, whose process is not known"));
  life.remover_name = "kube-proxy (712)";
  life.others = 3;
  EXPECT_THAT(ending(EntryEnd::kDeleted), HasSubstr("deleted 5.0 ms after the first step by kube-proxy (712), with 3 "
                                                    "other entries"));
  life.created_ns = 0;
  EXPECT_THAT(life_to_text(life, 0), HasSubstr("nobody saw it begin"));
  life.before = true;
  life.gaps = true;
  EXPECT_THAT(life_to_text(life, 0), HasSubstr("there before the witnesses"));
  EXPECT_THAT(life_to_text(life, 0), HasSubstr("messages were lost"));
  life.created_ns = 1'000'000;
  EXPECT_THAT(life_to_text(life, 3'000'000), HasSubstr("created 2.0 ms before the first step"));
}

}  // namespace
}  // namespace conntruth::evidence
