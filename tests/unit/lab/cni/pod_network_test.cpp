#include "lab/cni/pod_network.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "lab/cni/plugin.hpp"

namespace conntruth::lab {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kTold = R"({"cniVersion":"0.4.0","ips":[
  {"version":"4","address":"10.244.1.64/24","gateway":"172.31.0.11"},
  {"version":"6","address":"fd44:0:0:1::40/64","gateway":"fd31::b"}]})";

TEST(PodNetwork, gives_the_nodes_end_the_nodes_own_addresses) {
  const auto addresses = read_ipam_result(kTold);
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_EQ(host_commands(*addresses, "podabc", "eth0", "/run/netns/x"),
            "link add podabc type veth peer name eth0 netns /run/netns/x\n"
            "link set podabc addrgenmode eui64\nlink set podabc up\n"
            "addr add 172.31.0.11/32 dev podabc\nroute replace 10.244.1.64/32 dev podabc\n"
            "addr add fd31::b/128 dev podabc nodad\nroute replace fd44:0:0:1::40/128 dev podabc\n");
}

TEST(PodNetwork, sends_all_that_a_pod_has_to_say_to_its_node) {
  const auto commands = pod_commands(*read_ipam_result(kTold), "eth0");
  EXPECT_THAT(commands, HasSubstr("addr add 10.244.1.64/32 dev eth0\n"));
  EXPECT_THAT(commands, HasSubstr("route add 0.0.0.0/0 via 172.31.0.11 dev eth0 onlink\n"));
  EXPECT_THAT(commands, HasSubstr("route add ::/0 via fd31::b dev eth0 onlink\n"));
}

TEST(PodNetwork, is_told_to_containerd_with_every_address) {
  const auto result = Json::parse(add_result(*read_ipam_result(kTold), "podabc", "eth0", "/run/netns/x"));
  EXPECT_EQ(result.at("ips").at(1).at("address"), "fd44:0:0:1::40/64");
  EXPECT_EQ(result.at("interfaces").at(1).at("sandbox"), "/run/netns/x");
}

TEST(PodNetwork, device_names_fit_into_the_kernels_sixteen_bytes) {
  EXPECT_EQ(host_device("0123456789abcdef0123").size(), 15U);
  EXPECT_EQ(host_device("ab"), "podab");
}

TEST(PodNetwork, without_an_address_or_its_gateway_is_refused) {
  for (const auto* told : {"", "{}", R"({"ips":[]})", R"({"ips":[{"address":"10.0.0.1/24"}]})",
                           R"({"ips":[{"address":"10.0.0.1","gateway":"10.0.0.2"}]})", R"({"ips":[7]})"}) {
    EXPECT_FALSE(read_ipam_result(told)) << told;
  }
}

TEST(Plugin, says_which_versions_it_speaks_and_refuses_half_a_call) {
  EXPECT_THAT(answer({.command = "VERSION"}).value(), HasSubstr("0.4.0"));
  EXPECT_THAT(answer({.command = "ADD", .container = "x"}).error().message, HasSubstr("CNI_NETNS"));
  EXPECT_FALSE(answer({.command = "DEL"}));
  EXPECT_THAT(answer({.command = "DEL", .container = "x", .folders = "/nowhere"}).error().message,
              HasSubstr("no host-local in CNI_PATH /nowhere"));
}

}  // namespace
}  // namespace conntruth::lab
