#include "agent/observe/bpf_call.hpp"

#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>

namespace conntruth::observe {

namespace {

template <typename Attributes>
int call(bpf_cmd command, Attributes& attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

// Of union bpf_attr, as BPF_LINK_CREATE has it since Linux 6.4.
struct HookLink {
  std::uint32_t program;
  std::uint32_t target = 0;
  std::uint32_t attach_type = kNetfilterAttach;
  std::uint32_t flags = 0;
  std::uint32_t family;
  std::uint32_t hook;
  std::int32_t priority;
  std::uint32_t hook_flags = 0;
};

constexpr std::array kDoNothing = {bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
                                   bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};

Status try_loading(bpf_attr attributes) {
  static constexpr char kLicense[] = "GPL";
  attributes.insns = std::bit_cast<std::uintptr_t>(kDoNothing.data());
  attributes.insn_cnt = kDoNothing.size();
  attributes.license = std::bit_cast<std::uintptr_t>(&kLicense[0]);
  const io::Fd program(call(BPF_PROG_LOAD, attributes));
  if (!program) return fail_errno("load a program of eBPF", errno);
  return {};
}

bool exists(bpf_cmd command, std::uint32_t id) {
  bpf_attr attributes{};
  attributes.prog_id = id;
  const io::Fd found(call(command, attributes));
  return static_cast<bool>(found);
}

}  // namespace

Result<io::Fd> attach_to_hook(int program, Family family, NetfilterHook hook, std::int32_t priority) {
  HookLink link{.program = static_cast<std::uint32_t>(program),
                .family = family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6,
                .hook = static_cast<std::uint32_t>(hook),
                .priority = priority};
  io::Fd attached(call(BPF_LINK_CREATE, link));
  if (attached) return attached;
  if (errno == EBUSY) return fail(ErrorCode::kConflict, "another hook has this priority");
  return fail_errno("attach to a netfilter hook", errno);
}

Status may_trace() {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
  return try_loading(attributes);
}

Status may_trace_function(std::uint32_t function) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_TRACING;
  attributes.expected_attach_type = BPF_TRACE_FENTRY;
  attributes.attach_btf_id = function;
  return try_loading(attributes);
}

bool program_exists(std::uint32_t id) { return exists(BPF_PROG_GET_FD_BY_ID, id); }
bool link_exists(std::uint32_t id) { return exists(BPF_LINK_GET_FD_BY_ID, id); }

// Both kinds' info has the number as its second word.
std::uint32_t id_of(int fd) {
  std::array<std::uint32_t, 64> info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<std::uint32_t>(fd);
  attributes.info.info_len = sizeof info;
  attributes.info.info = std::bit_cast<std::uintptr_t>(info.data());
  return call(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0 ? info[1] : 0;
}

}  // namespace conntruth::observe
