#include <fmt/format.h>

#include "lab/faults/faults.hpp"
#include "lab/reports.hpp"
#include "tests/lab/lab_fixture.hpp"

namespace conntruth::lab::test {
namespace {

class Faults : public LabTest {
 protected:
  Lab build_with_proxy() {
    auto wanted = spec("f");
    wanted.nodes = 3;
    wanted.pods_per_node = 2;
    wanted.proxy = "reference";
    return build(wanted);
  }
};

// What a fault may change on a node and must put back.
std::string node_state(const Lab& lab, const std::string& node) {
  return run(lab, node,
             "nft -s list ruleset; ip -o link | sed 's/ qdisc.*qlen/ qlen/'; tc qdisc; ip -o addr; ip route show table "
             "all; "
             "ip -6 route show table all; ip rule; ip neigh; sysctl -a -r '^net.ipv[46].conf' 2>/dev/null; "
             "ps -o stat=,comm= -C conntruth-lab-proxy")
      .text;
}

TEST_F(Faults, each_is_planted_once_changes_its_node_and_heals_to_what_was) {
  const auto faults = load_faults(CONNTRUTH_SOURCE_DIR "/lab/faults/data");
  ASSERT_TRUE(faults) << faults.error().message;
  const auto lab = build_with_proxy();
  for (const auto& fault : *faults) {
    const auto& node = fault.default_node;
    const auto before = node_state(lab, node);
    const auto planted = plant_fault(lab, fault, "");
    ASSERT_TRUE(planted) << planted.error().message;
    EXPECT_NE(node_state(lab, node), before) << fault.id << " changes nothing";
    EXPECT_EQ(planted_faults(lab), (std::vector<PlantedFault>{{fault.id, node}}));
    const auto again = plant_fault(lab, fault, "");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::kConflict) << fault.id;
    const auto healed = heal_fault(lab, fault, "");
    ASSERT_TRUE(healed) << healed.error().message;
    EXPECT_EQ(node_state(lab, node), before) << fault.id << " is not healed whole";
    EXPECT_EQ(heal_fault(lab, fault, "").error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(planted_faults(lab).empty());
  }
}

TEST_F(Faults, scripts_see_the_node_they_break) {
  const auto lab = build_with_proxy();
  const auto fault = read_fault(
      "id: seen\ntitle: t\nheal: rm $LAB_DIR/seen\n"
      "plant: echo $LAB $NODE $NODE_IPV4 $NODE_IPV6 $POD $POD_IPV4 $POD_IPV6 $POD_DEVICE `cat /proc/$PROXY_PID/comm`"
      " > $LAB_DIR/seen\n",
      "seen.yaml");
  ASSERT_TRUE(fault) << fault.error().message;
  ASSERT_TRUE(plant_fault(lab, *fault, "node-3"));
  EXPECT_EQ(
      run(lab, "node-3", "cat " + lab.directory() + "/seen").text,
      lab.spec().name + " node-3 172.31.0.13 fd31::d node-3-pod-0 10.244.3.10 fd44:0:0:3::a pod-0 conntruth-lab-p\n");
  EXPECT_TRUE(heal_fault(lab, *fault, "node-3"));
}

TEST_F(Faults, a_plant_script_that_fails_is_healed_and_says_why) {
  const auto lab = build(spec("f"));
  const auto fault = read_fault(
      "id: half\ntitle: t\nplant: touch $LAB_DIR/half; echo no luck >&2; false\n"
      "heal: rm $LAB_DIR/half\n",
      "half.yaml");
  ASSERT_TRUE(fault);
  const auto planted = plant_fault(lab, *fault, "");
  ASSERT_FALSE(planted);
  EXPECT_EQ(planted.error().message, "fault half: its plant script ended with status 1 on node-2: no luck");
  EXPECT_EQ(run(lab, "node-2", "test -e " + lab.directory() + "/half").status, 1);
  EXPECT_TRUE(planted_faults(lab).empty());
}

TEST_F(Faults, what_a_lab_lacks_is_named) {
  auto wanted = spec("f");
  wanted.ipv6 = false;
  const auto lab = build(wanted);
  const auto needs = [&](const std::string& what) {
    const auto fault = read_fault("id: x\ntitle: t\nplant: 'true'\nheal: 'true'\nneeds: {" + what + "}\n", "x.yaml");
    return plant_fault(lab, fault.value(), "").error();
  };
  EXPECT_EQ(needs("ipv6: true").code, ErrorCode::kUnsupported);
  EXPECT_EQ(needs("proxy: true").message,
            "fault x needs a running proxy on node-2, which lab " + wanted.name + " lacks");
  EXPECT_EQ(needs("nodes: 3").message, "fault x needs 3 nodes, which lab " + wanted.name + " lacks");
  EXPECT_EQ(needs("pods: 2").code, ErrorCode::kUnsupported);
}

TEST_F(Faults, a_stopped_proxy_is_behind_and_follows_when_healed) {
  auto lab = build_with_proxy();
  const auto fault = read_fault_file(CONNTRUTH_SOURCE_DIR "/lab/faults/data/one-node-behind.yaml");
  ASSERT_TRUE(fault);
  ASSERT_TRUE(plant_fault(lab, *fault, "node-3"));
  ASSERT_TRUE(lab.publish({1, lab.nodes(), {}, {}}));
  const auto late = await_generation(lab, 1, std::chrono::milliseconds(200));
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().message.starts_with("node-3: its proxy has not followed in time")) << late.error().message;
  ASSERT_TRUE(heal_fault(lab, *fault, "node-3"));
  const auto followed = await_generation(lab, 1, std::chrono::seconds(20));
  EXPECT_TRUE(followed) << followed.error().message;
}

}  // namespace
}  // namespace conntruth::lab::test
