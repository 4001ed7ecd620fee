#pragma once
// The bpf(2) system call itself, for what libbpf of Debian 12 (1.1) does not know or does not tell.
// Source: include/uapi/linux/bpf.h. Threading: independent calls.

#include <cstdint>

#include "agent/io/fd.hpp"
#include "common/address.hpp"
#include "common/model/hop.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

// Of Linux 6.4: what libbpf 1.1 and its headers have no name for.
inline constexpr std::uint32_t kNetfilterProgram = 32;  // BPF_PROG_TYPE_NETFILTER
inline constexpr std::uint32_t kNetfilterAttach = 45;   // BPF_NETFILTER

// Attaches a loaded program to a hook of the calling thread's network namespace, until the descriptor is closed.
// kConflict where another hook of any kind has that priority, else the kernel's own reason.
[[nodiscard]] Result<io::Fd> attach_to_hook(int program, Family family, NetfilterHook hook, std::int32_t priority);

// Whether this process may load programs that trace the kernel, tried with one that does nothing.
[[nodiscard]] Status may_trace();
// The same for programs at a function's entry and exit (fentry); `function` is its number in the kernel's BTF.
[[nodiscard]] Status may_trace_function(std::uint32_t function);

// Whether the kernel still has the program or the link with that number.
[[nodiscard]] bool program_exists(std::uint32_t id);
[[nodiscard]] bool link_exists(std::uint32_t id);
// The number of the program or the link behind a descriptor; 0 where it is neither.
[[nodiscard]] std::uint32_t id_of(int fd);

}  // namespace conntruth::observe
