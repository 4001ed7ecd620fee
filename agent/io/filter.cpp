#include "agent/io/filter.hpp"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/model/source_ports.hpp"
#include "common/wire/packet.hpp"
#include "common/wire/tcp_probe.hpp"

namespace conntruth::io {

namespace {

constexpr std::uint32_t kAccept = 0xFFFFFFFFU;
constexpr std::uint32_t kTcpFlags = 13;
constexpr std::uint32_t kTcpOptions = 20;
constexpr std::uint32_t kUdpPayload = 8;
constexpr std::uint32_t kSctpChunk = 12;

sock_filter statement(unsigned code, std::uint32_t k) { return {static_cast<std::uint16_t>(code), 0, 0, k}; }

// Jumps are relative: how many instructions to skip when true and when false.
sock_filter jump(unsigned test, std::uint32_t k, std::uint8_t yes, std::uint8_t no) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), yes, no, k};
}
sock_filter byte_at(std::uint32_t offset) { return statement(BPF_LD | BPF_B | BPF_IND, offset); }
sock_filter half_at(std::uint32_t offset) { return statement(BPF_LD | BPF_H | BPF_IND, offset); }
sock_filter word_at(std::uint32_t offset) { return statement(BPF_LD | BPF_W | BPF_IND, offset); }
sock_filter accept() { return statement(BPF_RET | BPF_K, kAccept); }
sock_filter drop() { return statement(BPF_RET | BPF_K, 0); }

// X = where the transport header starts. A load beyond the packet's end drops it.
sock_filter transport(Family family) {
  if (family == Family::kIpv4) return statement(BPF_LDX | BPF_B | BPF_MSH, 0);
  return statement(BPF_LDX | BPF_W | BPF_IMM, 0);
}

}  // namespace

Filter hide_probe_syns() {
  // A segment too short for the loads has no options, so it must be accepted before them: the header length says so.
  return {statement(BPF_LDX | BPF_W | BPF_IMM, 0),
          byte_at(kTcpFlags),
          statement(BPF_ALU | BPF_AND | BPF_K, wire::tcp::kSyn | wire::tcp::kAck | wire::tcp::kRst | wire::tcp::kFin),
          jump(BPF_JEQ, wire::tcp::kSyn, 0, 7),
          byte_at(12),
          jump(BPF_JGE, (kTcpOptions + 8) / 4 << 4U, 0, 5),
          half_at(kTcpOptions),
          jump(BPF_JEQ, wire::kExperiment, 0, 3),
          word_at(kTcpOptions + 2),
          jump(BPF_JEQ, wire::kProbeMagic, 0, 1),
          drop(),
          accept()};
}

Filter only_probe_syns(Family family) {
  return {transport(family),
          byte_at(kTcpFlags),
          statement(BPF_ALU | BPF_AND | BPF_K, wire::tcp::kSyn | wire::tcp::kAck | wire::tcp::kRst | wire::tcp::kFin),
          jump(BPF_JEQ, wire::tcp::kSyn, 0, 5),
          half_at(kTcpOptions),
          jump(BPF_JEQ, wire::kExperiment, 0, 3),
          word_at(kTcpOptions + 2),
          jump(BPF_JEQ, wire::kProbeMagic, 0, 1),
          accept(),
          drop()};
}

Filter only_tcp_answers(Family family) {
  return {transport(family),
          byte_at(kTcpFlags),
          statement(BPF_ALU | BPF_AND | BPF_K, wire::tcp::kSyn | wire::tcp::kAck | wire::tcp::kRst),
          jump(BPF_JEQ, wire::tcp::kRst | wire::tcp::kAck, 6, 0),
          jump(BPF_JEQ, wire::tcp::kSyn | wire::tcp::kAck, 0, 6),
          half_at(2),
          jump(BPF_JGE, kFirstCraftedPort, 0, 1),
          jump(BPF_JGT, kLastCraftedPort, 0, 2),
          word_at(kTcpOptions + 2),  // a port of the task's choice: only with identity
          jump(BPF_JEQ, wire::kProbeMagic, 0, 1),
          accept(),
          drop()};
}

Filter only_udp_answers(Family family) {
  return {transport(family),
          word_at(kUdpPayload),
          jump(BPF_JEQ, wire::kProbeMagic, 0, 5),
          byte_at(kUdpPayload + 5),
          jump(BPF_JEQ, static_cast<std::uint32_t>(wire::ProbeKind::kAnswer), 0, 3),
          byte_at(kUdpPayload + 7),
          jump(BPF_JSET, 1, 0, 1),
          accept(),
          drop()};
}

Filter only_sctp_inits(Family family) {
  return {transport(family), byte_at(kSctpChunk), jump(BPF_JEQ, 1, 0, 1), accept(), drop()};
}

Filter only_sctp_answers(Family family) {
  return {transport(family), byte_at(kSctpChunk), jump(BPF_JEQ, 2, 1, 0), jump(BPF_JEQ, 6, 0, 1), accept(), drop()};
}

Status attach_filter(int fd, const Filter& filter) {
  auto copy = filter;
  const sock_fprog program{static_cast<std::uint16_t>(copy.size()), copy.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    return fail_errno("attach socket filter", errno);
  }
  return {};
}

Status only_icmp_errors(int fd, Family family) {
  int result = 0;
  if (family == Family::kIpv4) {
    const icmp_filter blocked{~((1U << ICMP_DEST_UNREACH) | (1U << ICMP_TIME_EXCEEDED) | (1U << ICMP_PARAMETERPROB))};
    result = setsockopt(fd, SOL_RAW, ICMP_FILTER, &blocked, sizeof blocked);
  } else {
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &filter);
    ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &filter);
    ICMP6_FILTER_SETPASS(ICMP6_PARAM_PROB, &filter);
    result = setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  }
  if (result != 0) return fail_errno("attach ICMP filter", errno);
  return {};
}

}  // namespace conntruth::io
