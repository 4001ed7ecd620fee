// The filters run here by a small interpreter of classic BPF: the same decisions as the kernel's, without root.
#include "agent/io/filter.hpp"

#include <gtest/gtest.h>

#include "common/wire/sctp_probe.hpp"
#include "common/wire/tcp_probe.hpp"

namespace conntruth::io {
namespace {

// What of the instruction set our filters use.
class Machine {
 public:
  explicit Machine(wire::Bytes packet) : packet_(packet) {}

  bool run(const Filter& filter) {
    for (std::size_t at = 0; at < filter.size(); ++at) {
      const auto& step = filter[at];
      if (step.code == (BPF_RET | BPF_K)) return step.k != 0;
      if (BPF_CLASS(step.code) == BPF_JMP) {
        at += holds(step) ? step.jt : step.jf;
      } else if (!execute(step)) {
        return false;  // a load beyond the end drops, as in the kernel
      }
    }
    ADD_FAILURE() << "ran off the end";
    return false;
  }

 private:
  [[nodiscard]] bool holds(const sock_filter& step) const {
    switch (BPF_OP(step.code)) {
      case BPF_JEQ:
        return a_ == step.k;
      case BPF_JGE:
        return a_ >= step.k;
      case BPF_JGT:
        return a_ > step.k;
      default:
        EXPECT_EQ(BPF_OP(step.code), BPF_JSET);
        return (a_ & step.k) != 0;
    }
  }
  bool execute(const sock_filter& step) {
    const std::size_t from = x_ + step.k;
    switch (step.code) {
      case BPF_LDX | BPF_W | BPF_IMM:
        x_ = step.k;
        return true;
      case BPF_LDX | BPF_B | BPF_MSH:
        x_ = (packet_[step.k] & 0x0FU) * 4;
        return true;
      case BPF_ALU | BPF_AND | BPF_K:
        a_ &= step.k;
        return true;
      case BPF_LD | BPF_B | BPF_IND:
        return load(from, 1);
      case BPF_LD | BPF_H | BPF_IND:
        return load(from, 2);
      case BPF_LD | BPF_W | BPF_IND:
        return load(from, 4);
      default:
        ADD_FAILURE() << "instruction " << step.code;
        return false;
    }
  }
  bool load(std::size_t from, std::size_t size) {
    if (from + size > packet_.size()) return false;
    a_ = 0;
    for (std::size_t i = 0; i < size; ++i) a_ = (a_ << 8U) | packet_[from + i];
    return true;
  }
  wire::Bytes packet_;
  std::uint32_t a_ = 0;
  std::uint32_t x_ = 0;
};

bool accepts(const Filter& filter, wire::Bytes packet) { return Machine(packet).run(filter); }

class Filters : public ::testing::TestWithParam<Family> {
 protected:
  struct Packet {
    std::array<std::uint8_t, wire::kMaxPacket> bytes{};
    std::size_t size = 0;
    [[nodiscard]] wire::Bytes raw() const {  // as a raw socket of the family sees it
      return wire::Bytes(bytes).first(size).subspan(v4() ? 0 : 40);
    }
    [[nodiscard]] wire::Bytes transport() const { return wire::Bytes(bytes).first(size).subspan(v4() ? 20 : 40); }
  };
  static bool v4() { return GetParam() == Family::kIpv4; }
  static wire::Endpoints flow(std::uint16_t source_port, std::uint16_t destination_port) {
    return {.source = {*IpAddress::parse(v4() ? "10.0.0.1" : "fd00::1"), source_port},
            .destination = {*IpAddress::parse(v4() ? "10.0.0.2" : "fd00::2"), destination_port}};
  }
  static Packet plain_tcp(unsigned flags, std::uint16_t destination_port) {
    Packet packet;
    const wire::TcpHeader header{
        .sequence = 1, .acknowledgement = 2, .flags = static_cast<std::uint8_t>(flags), .window = 1, .options = {}};
    packet.size = wire::build_tcp(packet.bytes, flow(80, destination_port), header);
    return packet;
  }
  static Packet syn() {
    Packet packet;
    packet.size = wire::build_syn(packet.bytes, flow(12345, 80), 7);
    return packet;
  }
  static Packet udp(wire::ProbeKind kind, bool crafted) {
    Packet packet;
    packet.size = wire::build_udp(packet.bytes, flow(80, 12345),
                                  wire::encode({.kind = kind, .crafted = crafted, .id = 7, .identity = {}}));
    return packet;
  }
};
INSTANTIATE_TEST_SUITE_P(Io, Filters, ::testing::Values(Family::kIpv4, Family::kIpv6));

constexpr unsigned kSynAck = wire::tcp::kSyn | wire::tcp::kAck;

TEST_P(Filters, a_listener_sees_all_but_probe_syns) {
  EXPECT_FALSE(accepts(hide_probe_syns(), syn().transport()));
  for (const auto flags : {wire::tcp::kSyn, wire::tcp::kAck, wire::tcp::kRst}) {
    EXPECT_TRUE(accepts(hide_probe_syns(), plain_tcp(flags, 80).transport()));
  }
}

TEST_P(Filters, the_syn_responder_sees_only_probe_syns) {
  const auto filter = only_probe_syns(GetParam());
  EXPECT_TRUE(accepts(filter, syn().raw()));
  EXPECT_FALSE(accepts(filter, plain_tcp(wire::tcp::kSyn, 80).raw()));
  EXPECT_FALSE(accepts(filter, plain_tcp(wire::tcp::kAck, 80).raw()));
}

TEST_P(Filters, the_client_sees_answers_and_resets) {
  const auto filter = only_tcp_answers(GetParam());
  Packet answer;
  answer.size = wire::build_syn_ack(answer.bytes, flow(80, 45000), 7, 1);
  EXPECT_TRUE(accepts(filter, answer.raw())) << "identity at a port of the task's choice";
  EXPECT_TRUE(accepts(filter, plain_tcp(kSynAck, 10000).raw()));
  EXPECT_TRUE(accepts(filter, plain_tcp(kSynAck, 29999).raw()));
  EXPECT_FALSE(accepts(filter, plain_tcp(kSynAck, 30000).raw()));
  EXPECT_FALSE(accepts(filter, plain_tcp(kSynAck, 9999).raw()));
  EXPECT_TRUE(accepts(filter, plain_tcp(wire::tcp::kRst | wire::tcp::kAck, 45000).raw()));
  EXPECT_FALSE(accepts(filter, plain_tcp(wire::tcp::kAck, 12345).raw()));
  EXPECT_FALSE(accepts(filter, syn().raw()));
}

TEST_P(Filters, the_client_sees_answers_to_crafted_udp_only) {
  const auto filter = only_udp_answers(GetParam());
  EXPECT_TRUE(accepts(filter, udp(wire::ProbeKind::kAnswer, true).raw()));
  EXPECT_FALSE(accepts(filter, udp(wire::ProbeKind::kAnswer, false).raw()));
  EXPECT_FALSE(accepts(filter, udp(wire::ProbeKind::kRequest, true).raw()));
  EXPECT_FALSE(accepts(filter, plain_tcp(wire::tcp::kAck, 12345).raw()));
}

TEST_P(Filters, sctp_chunks_go_to_their_side) {
  Packet init;
  Packet answer;
  Packet abort;
  init.size = wire::build_init(init.bytes, flow(12345, 80), 7);
  answer.size = wire::build_init_ack(answer.bytes, flow(80, 12345), 7, 1);
  abort.size = wire::build_abort(abort.bytes, flow(80, 12345), 8);
  EXPECT_TRUE(accepts(only_sctp_inits(GetParam()), init.raw()));
  EXPECT_FALSE(accepts(only_sctp_inits(GetParam()), answer.raw()));
  EXPECT_FALSE(accepts(only_sctp_answers(GetParam()), init.raw()));
  EXPECT_TRUE(accepts(only_sctp_answers(GetParam()), answer.raw()));
  EXPECT_TRUE(accepts(only_sctp_answers(GetParam()), abort.raw()));
}

}  // namespace
}  // namespace conntruth::io
