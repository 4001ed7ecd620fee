// Writes the binary seeds of the harnesses, made with the real encoders so that they follow every change of a format.
// usage: make_seeds FOLDER     makes FOLDER/packet, FOLDER/probe_header, FOLDER/codec, FOLDER/topology and FOLDER/hop

#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "bpf/abi/hop_event.h"
#include "common/codec/session_codec.hpp"
#include "common/codec/topology_json.hpp"
#include "common/wire/sctp_probe.hpp"
#include "common/wire/tcp_probe.hpp"

namespace codec = conntruth::codec;
namespace wire = conntruth::wire;
using conntruth::IpAddress;

namespace {

constexpr conntruth::ProbeId kId = 0x0102030405060708ULL;

class Folder {
 public:
  explicit Folder(std::filesystem::path path) : path_(std::move(path)) { std::filesystem::create_directories(path_); }

  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream file(path_ / name, std::ios::binary | std::ios::trunc);
    file << bytes;
    if (!file.flush()) throw std::runtime_error("cannot write " + (path_ / name).string());
  }
  void put(const std::string& name, wire::Bytes bytes) const { put(name, std::string(bytes.begin(), bytes.end())); }

 private:
  std::filesystem::path path_;
};

wire::Endpoints flow(conntruth::Family family) {
  if (family == conntruth::Family::kIpv4) {
    return {{IpAddress::v4({10, 244, 1, 10}), 40000}, {IpAddress::v4({10, 96, 0, 1}), 80}};
  }
  return {{*IpAddress::parse("fd44:0:0:1::a"), 40000}, {*IpAddress::parse("fd00:96::1"), 80}};
}

void packets(const Folder& folder, conntruth::Family family, const std::string& suffix) {
  std::array<std::uint8_t, wire::kMaxPacket> out{};
  const auto one_way = flow(family);
  const auto put = [&](const std::string& name, std::size_t size) {
    folder.put(name + suffix, wire::Bytes(out).first(size));
    folder.put(name + suffix + "_cut", wire::Bytes(out).first(size * 2 / 3));
  };
  put("syn", wire::build_syn(out, one_way, kId));
  put("syn_ack", wire::build_syn_ack(out, one_way, kId, 7));
  put("init", wire::build_init(out, one_way, kId));
  put("init_ack", wire::build_init_ack(out, one_way, kId, 7));
  put("abort", wire::build_abort(out, one_way, 9));
  wire::ProbeHeader request;
  request.id = kId;
  put("udp", wire::build_udp(out, one_way, wire::encode(request)));
}

void headers(const Folder& folder) {
  wire::ProbeHeader header;
  header.id = kId;
  folder.put("request", wire::encode(header));
  header.kind = wire::ProbeKind::kAnswer;
  header.identity = {7, flow(conntruth::Family::kIpv6).source, flow(conntruth::Family::kIpv6).destination};
  folder.put("answer6", wire::encode(header));
  header.identity = {7, flow(conntruth::Family::kIpv4).source, flow(conntruth::Family::kIpv4).destination};
  folder.put("answer4", wire::encode(header));
}

void messages(const Folder& folder) {
  conntruth::Hello hello;
  hello.node = "node-1";
  hello.agent_version = "0.1.0";
  hello.capabilities = {"udp-socket"};
  hello.places = {"", "node-1-pod-0"};
  folder.put("hello", codec::encode(codec::AgentMessage(hello)));
  conntruth::ResultBatch batch;
  batch.sequence = 1;
  batch.assignment = 1;
  conntruth::Sample sample;
  sample.id = kId;
  sample.error = "no such device";
  batch.samples = {sample};
  batch.sights = {{kId, 7, flow(conntruth::Family::kIpv4).source, 1}};
  batch.losses = {{"late-answer", 2}};
  conntruth::Hop hop;
  hop.probe = kId;
  hop.source = flow(conntruth::Family::kIpv4).source;
  hop.reason = "NETFILTER_DROP";
  hop.conntrack.info = conntruth::ConntrackInfo::kNew;
  batch.hops = {hop, hop};
  batch.notes = {"fentry: not permitted"};
  folder.put("batch", codec::encode_batch(batch));
  folder.put("ack", codec::encode(codec::ControllerMessage(codec::Ack{3})));
  folder.put("welcome", codec::encode(codec::ControllerMessage(codec::Welcome{"s1", std::chrono::seconds(5), 0})));
  folder.put("stop", codec::encode(codec::ControllerMessage(codec::Stop{"enough", false})));
}

void topologies(const Folder& folder) {
  const auto four = flow(conntruth::Family::kIpv4);
  const auto six = flow(conntruth::Family::kIpv6);
  const std::vector<IpAddress> both = {four.source.address, six.source.address};
  conntruth::Topology topology;
  topology.name = "seed";
  topology.nodes = {{"node-1", "zone-a", both, "eth0", {{"node-1-pod-0", both, "/run/pods/node-1-pod-0", "pod-0"}}}};
  topology.external_clients = {{"external", "eth0", {{"node-1", both}}}};
  topology.ranges.cluster_ips = {*conntruth::Prefix::parse("10.96.0.0/16"), *conntruth::Prefix::parse("fd00:96::/112")};
  folder.put("one_node", conntruth::codec::topology_to_json(topology));
}

void hops(const Folder& folder) {
  for (const auto family : {std::uint8_t{4}, std::uint8_t{6}}) {
    conntruth::abi::hop_event event{};
    event.probe = kId;
    event.kind = conntruth::abi::HOP_DROPPED;
    event.flow.family = family;
    event.flow.protocol = 132;
    event.original = event.flow;
    event.reply = event.flow;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&event);
    const std::string name = "event" + std::to_string(family);
    folder.put(name, wire::Bytes(bytes, sizeof event));
    folder.put(name + "_cut", wire::Bytes(bytes, sizeof event - 1));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_seeds FOLDER\n";
    return 1;
  }
  try {
    const std::filesystem::path root = argv[1];
    const Folder packet(root / "packet");
    packets(packet, conntruth::Family::kIpv4, "4");
    packets(packet, conntruth::Family::kIpv6, "6");
    headers(Folder(root / "probe_header"));
    messages(Folder(root / "codec"));
    topologies(Folder(root / "topology"));
    hops(Folder(root / "hop"));
  } catch (const std::exception& error) {
    std::cerr << "make_seeds: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
