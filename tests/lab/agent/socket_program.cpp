#include "tests/lab/agent/socket_program.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <mntent.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>

#include "agent/io/kernel_address.hpp"

namespace conntruth::tests {

namespace {

constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kValue = BPF_REG_2;

bpf_insn load(std::size_t offset) {
  return {.code = BPF_LDX | BPF_MEM | BPF_W,
          .dst_reg = kValue,
          .src_reg = kContext,
          .off = static_cast<__s16>(offset),
          .imm = 0};
}
bpf_insn store(std::size_t offset) {
  return {.code = BPF_STX | BPF_MEM | BPF_W,
          .dst_reg = kContext,
          .src_reg = kValue,
          .off = static_cast<__s16>(offset),
          .imm = 0};
}
bpf_insn set(unsigned target, std::uint32_t value) {
  bpf_insn instruction{
      .code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = static_cast<__s32>(value)};
  instruction.dst_reg = target & 0xFU;  // a field of four bits
  return instruction;
}
bpf_insn skip_unless(std::uint32_t value, std::int16_t instructions) {
  return {.code = BPF_JMP32 | BPF_JNE | BPF_K,
          .dst_reg = kValue,
          .src_reg = 0,
          .off = instructions,
          .imm = static_cast<__s32>(value)};
}

io::Fd load_program(const SocketAddress& from, const SocketAddress& to) {
  const auto address = [](const SocketAddress& of) { return io::to_in_addr(of.address).s_addr; };
  const std::array program{load(offsetof(bpf_sock_addr, user_ip4)),
                           skip_unless(address(from), 6),
                           load(offsetof(bpf_sock_addr, user_port)),
                           skip_unless(htons(from.port), 4),
                           set(kValue, address(to)),
                           store(offsetof(bpf_sock_addr, user_ip4)),
                           set(kValue, htons(to.port)),
                           store(offsetof(bpf_sock_addr, user_port)),
                           set(BPF_REG_0, 1),
                           bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_CGROUP_INET4_CONNECT;
  return io::Fd(
      bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "at_connect", "GPL", program.data(), program.size(), &options));
}

std::string own_cgroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "/";
}

void enter(const std::string& cgroup) { std::ofstream(cgroup + "/cgroup.procs") << getpid() << '\n'; }

}  // namespace

std::string SocketProgram::hierarchy() {
  const std::unique_ptr<FILE, decltype(&endmntent)> mounts(setmntent("/proc/self/mounts", "r"), &endmntent);
  if (!mounts) return "";
  while (const auto* mount = getmntent(mounts.get())) {
    if (std::string_view(mount->mnt_type) == "cgroup2" && access(mount->mnt_dir, W_OK) == 0) return mount->mnt_dir;
  }
  return "";
}

SocketProgram::SocketProgram(const SocketAddress& from, const SocketAddress& to)
    : before_(hierarchy() + own_cgroup()), path_(hierarchy() + "/conntruth-test-" + std::to_string(getpid())) {
  std::filesystem::create_directory(path_);
  const io::Fd cgroup(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto program = load_program(from, to);
  EXPECT_TRUE(cgroup && program) << "no cgroup, or no program: " << errno;
  EXPECT_EQ(bpf_prog_attach(program.get(), cgroup.get(), BPF_CGROUP_INET4_CONNECT, 0), 0);
  enter(path_);
}

SocketProgram::~SocketProgram() {
  enter(before_);
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace conntruth::tests
