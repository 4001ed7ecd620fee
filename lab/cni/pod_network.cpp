#include "lab/cni/pod_network.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>

namespace conntruth::lab {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kVersion = "0.4.0";
constexpr std::size_t kIdInDevice = 12;  // IFNAMSIZ is 16, with the zero at the end
constexpr int kFailed = 100;             // SPEC.md: from 100 on a plug-in's own

Result<PodAddress> read_address(const Json& item) {
  const auto text = item.is_object() ? item.value("address", "") : "";
  const auto slash = text.find('/');
  PodAddress result;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const auto gateway = IpAddress::parse(item.is_object() ? item.value("gateway", "") : "");
  if (!address || !gateway || slash == std::string::npos) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("host-local gave \"{}\" instead of an address with gateway", text));
  }
  std::from_chars(text.data() + slash + 1, text.data() + text.size(), result.length);
  result.address = *address;
  result.gateway = *gateway;
  return result;
}

bool is_v4(const IpAddress& address) { return address.family() == Family::kIpv4; }
std::string host_route(const IpAddress& address) { return address.to_string() + (is_v4(address) ? "/32" : "/128"); }
std::string everything(const IpAddress& address) { return is_v4(address) ? "0.0.0.0/0" : "::/0"; }
// Nobody else can have it: without duplicate address detection it is there at once.
std::string settled(const IpAddress& address) { return is_v4(address) ? "" : " nodad"; }

}  // namespace

Result<std::vector<PodAddress>> read_ipam_result(std::string_view text) {
  const auto document = Json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("ips") || !document["ips"].is_array() || document["ips"].empty()) {
    return fail(ErrorCode::kInvalidInput, fmt::format("host-local gave no addresses: {}", text));
  }
  std::vector<PodAddress> addresses;
  for (const auto& item : document["ips"]) {
    auto address = read_address(item);
    if (!address) return std::unexpected(address.error());
    addresses.push_back(*address);
  }
  return addresses;
}

std::string host_device(std::string_view container) { return fmt::format("pod{}", container.substr(0, kIdInDevice)); }

std::string host_commands(const std::vector<PodAddress>& addresses, const std::string& device,
                          const std::string& pod_device, const std::string& netns) {
  // With a link-local address, which nodes make none of by themselves: it is what a node asks for a pod's neighbour
  // with on behalf of clients elsewhere.
  auto text =
      fmt::format("link add {0} type veth peer name {1} netns {2}\nlink set {0} addrgenmode eui64\nlink set {0} up\n",
                  device, pod_device, netns);
  for (const auto& [address, length, gateway] : addresses) {
    fmt::format_to(std::back_inserter(text), "addr add {} dev {}{}\nroute replace {} dev {}\n", host_route(gateway),
                   device, settled(gateway), host_route(address), device);
  }
  return text;
}

std::string pod_commands(const std::vector<PodAddress>& addresses, const std::string& pod_device) {
  auto text = fmt::format("link set lo up\nlink set {} up\n", pod_device);
  for (const auto& [address, length, gateway] : addresses) {
    fmt::format_to(std::back_inserter(text), "addr add {} dev {}{}\nroute add {} via {} dev {} onlink\n",
                   host_route(address), pod_device, settled(address), everything(address), gateway.to_string(),
                   pod_device);
  }
  return text;
}

std::string add_result(const std::vector<PodAddress>& addresses, const std::string& device,
                       const std::string& pod_device, const std::string& netns) {
  Json document = {{"cniVersion", kVersion}};
  document["interfaces"] = {{{"name", device}}, {{"name", pod_device}, {"sandbox", netns}}};
  for (const auto& [address, length, gateway] : addresses) {
    document["ips"].push_back({{"version", is_v4(address) ? "4" : "6"},
                               {"interface", 1},
                               {"address", fmt::format("{}/{}", address.to_string(), length)},
                               {"gateway", gateway.to_string()}});
    document["routes"].push_back({{"dst", everything(address)}, {"gw", gateway.to_string()}});
  }
  document["dns"] = Json::object();
  return document.dump();
}

std::string error_result(const Error& error) {
  return Json{{"cniVersion", kVersion}, {"code", kFailed}, {"msg", error.message}}.dump();
}

std::string version_result() { return Json{{"cniVersion", kVersion}, {"supportedVersions", {kVersion}}}.dump(); }

}  // namespace conntruth::lab
