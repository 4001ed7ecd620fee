#include "controller/bundle/pcapng.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <tuple>

namespace conntruth::bundle {

namespace {

constexpr std::uint32_t kSectionHeader = 0x0A0D0D0A, kInterface = 1, kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1A2B3C4D;
// Linux "cooked": which way a packet went, and its protocol. libpcap up to 1.10 reads no file with several interfaces
// of raw IP, whose number in files (101) it compares with its own (12). Source: LINKTYPE_LINUX_SLL of the tcpdump
// group.
constexpr std::uint16_t kLinkTypeCooked = 113;
constexpr std::size_t kCookedHeader = 16;
constexpr std::uint16_t kEndOfOptions = 0, kComment = 1, kInterfaceName = 2, kInterfaceDescription = 3,
                        kPacketFlags = 2, kUserApplication = 4, kTimeResolution = 9;
constexpr std::uint32_t kInbound = 1, kOutbound = 2;

// Numbers of the writer's byte order, as the format wants them; ours is little-endian.
template <typename Number>
void put(std::string& out, Number value) {
  for (unsigned i = 0; i < sizeof value; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFFU));
}

void put_padded(std::string& out, std::string_view bytes) {
  out += bytes;
  out.append((4 - bytes.size() % 4) % 4, '\0');
}

void put_option(std::string& out, std::uint16_t code, std::string_view value) {
  put(out, code);
  put(out, static_cast<std::uint16_t>(value.size()));
  put_padded(out, value);
}

std::string block(std::uint32_t type, const std::string& body) {
  std::string out;
  const auto size = static_cast<std::uint32_t>(body.size() + 12);
  put(out, type);
  put(out, size);
  out += body;
  put(out, size);
  return out;
}

std::string section() {
  std::string body;
  put(body, kByteOrder);
  put(body, std::uint16_t{1});
  put(body, std::uint16_t{0});
  put(body, ~std::uint64_t{0});  // of a length that is not told
  put_option(body, kUserApplication, "conntruth");
  put_option(body, kEndOfOptions, "");
  return block(kSectionHeader, body);
}

using Device = std::tuple<std::string, std::string, std::string>;  // node, place, name
Device device_of(const evidence::Step& step) { return {step.node, step.hop.place, step.hop.device}; }

std::string interface_block(const Device& device) {
  const auto& [node, place, name] = device;
  std::string body;
  put(body, kLinkTypeCooked);
  put(body, std::uint16_t{0});
  put(body, static_cast<std::uint32_t>(kMaxHopPacket + kCookedHeader));
  put_option(body, kInterfaceName, fmt::format("{}:{}", place.empty() ? node : place, name));
  put_option(body, kInterfaceDescription,
             place.empty() ? fmt::format("{} of node {}", name, node)
                           : fmt::format("{} of pod {} on node {}", name, place, node));
  put_option(body, kTimeResolution, "\x09");  // nanoseconds
  put_option(body, kEndOfOptions, "");
  return block(kInterface, body);
}

// What the packet itself says: bytes that lie in pages apart are not in the capture.
std::size_t length_of(std::string_view packet) {
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(packet[at])); };
  std::size_t length = packet.size();
  if (packet.size() >= 20 && byte(0) >> 4U == 4) length = byte(2) * 256 + byte(3);
  if (packet.size() >= 40 && byte(0) >> 4U == 6) length = 40 + byte(4) * 256 + byte(5);
  return std::max(length, packet.size());
}

// In network byte order: direction, Ethernet's number, no address, protocol.
std::string cooked(const Hop& hop) {
  std::string header(kCookedHeader, '\0');
  header[1] = hop.kind == HopKind::kDeviceIn ? 0 : 4;
  header[3] = 1;
  const bool v4 = static_cast<unsigned char>(hop.packet.front()) >> 4U == 4;
  header[14] = v4 ? '\x08' : '\x86';
  header[15] = v4 ? '\0' : '\xdd';
  return header + hop.packet;
}

std::string packet_block(const evidence::Step& step, std::uint32_t device, std::uint64_t date_ns) {
  const auto& hop = step.hop;
  std::string body;
  put(body, device);
  put(body, static_cast<std::uint32_t>(date_ns >> 32U));
  put(body, static_cast<std::uint32_t>(date_ns));
  put(body, static_cast<std::uint32_t>(hop.packet.size() + kCookedHeader));
  put(body, static_cast<std::uint32_t>(length_of(hop.packet) + kCookedHeader));
  put_padded(body, cooked(hop));
  put_option(body, kComment, fmt::format("probe {}/{}", task_of(hop.probe), sequence_of(hop.probe)));
  std::string flags;
  put(flags, hop.kind == HopKind::kDeviceIn ? kInbound : kOutbound);
  put_option(body, kPacketFlags, flags);
  put_option(body, kEndOfOptions, "");
  return block(kEnhancedPacket, body);
}

}  // namespace

std::string to_pcapng(const std::vector<evidence::Step>& steps, const ClockOffsets& offsets) {
  std::map<Device, std::uint32_t> devices;
  std::vector<std::pair<std::uint64_t, const evidence::Step*>> packets;
  for (const auto& step : steps) {
    if (step.hop.packet.empty()) continue;
    const auto offset = offsets.find(step.node);
    devices.emplace(device_of(step), 0);
    const auto date_ns = step.hop.at_ns + (offset == offsets.end() ? 0 : offset->second);
    packets.emplace_back(static_cast<std::uint64_t>(date_ns), &step);
  }
  std::string out = section();
  std::uint32_t number = 0;
  for (auto& [device, index] : devices) {
    index = number++;
    out += interface_block(device);
  }
  std::ranges::stable_sort(packets, {}, [](const auto& packet) { return packet.first; });
  for (const auto& [date_ns, step] : packets) out += packet_block(*step, devices.at(device_of(*step)), date_ns);
  return out;
}

}  // namespace conntruth::bundle
