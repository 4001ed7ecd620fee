#include "agent/observe/walk_programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <numeric>
#include <string_view>

#include "agent/observe/bpf_call.hpp"

extern "C" {
extern const std::uint8_t conntruth_walk_object[];
extern const std::uint8_t conntruth_walk_object_end[];
}

namespace conntruth::observe {

namespace {

// A program of bpf/ and the tracepoint that it needs.
struct Traced {
  const char* program;
  const char* tracepoint;
  std::size_t least_arguments;
  std::size_t most_arguments;
  const char* without;  // what is then not seen
};
constexpr std::size_t kAny = 99;
constexpr std::array kTraced = {
    Traced{"device_in", "netif_receive_skb", 1, kAny, "devices that packets come in by"},
    Traced{"device_out", "net_dev_queue", 1, kAny, "devices that packets go out by"},
    Traced{"dropped", "kfree_skb", 3, kAny, "reasons of drops"},
    Traced{"dropped_without_reason", "kfree_skb", 2, 2, ""},
    Traced{"icmp_error", "icmp_send", 3, kAny, "ICMP errors at the packet that they answer"},
    // With its third argument, the reason, it came to tell also of RSTs that no socket stands behind.
    Traced{"reset", "tcp_send_reset", 3, kAny, "RSTs at the packet that they answer"},
};

constexpr std::array kLookouts = {
    Lookout{"before_conntrack", NetfilterHook::kPrerouting, -201, -1},
    Lookout{"after_conntrack", NetfilterHook::kPrerouting, -199, 1},
    Lookout{"after_dnat", NetfilterHook::kPrerouting, -99, 1},
    Lookout{"after_conntrack", NetfilterHook::kInput, -199, 1},
    Lookout{"after_snat", NetfilterHook::kInput, 101, 1},
    Lookout{"after_conntrack", NetfilterHook::kForward, -199, 1},
    Lookout{"before_conntrack", NetfilterHook::kOutput, -201, -1},
    Lookout{"after_conntrack", NetfilterHook::kOutput, -199, 1},
    Lookout{"after_dnat", NetfilterHook::kOutput, -99, 1},
    Lookout{"after_snat", NetfilterHook::kPostrouting, 101, 1},
};

bool is_hook_program(std::string_view name) {
  return std::ranges::any_of(kLookouts, [&](const auto& lookout) { return name == lookout.program; });
}

// libbpf tells why a program was refused in its log alone, which is the process's: each thread listens to its own.
thread_local std::string* listening = nullptr;

int listen_to(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || listening == nullptr) return 0;
  std::array<char, 512> line{};
  const int size = vsnprintf(line.data(), line.size(), format, arguments);
  listening->append(line.data(), std::min<std::size_t>(static_cast<std::size_t>(std::max(size, 0)), line.size() - 1));
  return size;
}

class Listener {
 public:
  Listener() {
    listening = &words_;
    libbpf_set_print(listen_to);
  }
  ~Listener() { listening = nullptr; }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  // The first program that libbpf complains about, as in "prog 'reset': BPF program load failed: ..."; "" for none.
  [[nodiscard]] std::string culprit() const {
    const auto at = words_.find("prog '");
    if (at == std::string::npos) return {};
    const auto begin = at + 6;
    return words_.substr(begin, words_.find('\'', begin) - begin);
  }

 private:
  std::string words_;
};

}  // namespace

std::span<const std::uint8_t> walk_object() {
  return {&conntruth_walk_object[0], static_cast<std::size_t>(conntruth_walk_object_end - conntruth_walk_object)};
}

std::span<const Lookout> lookouts() { return kLookouts; }

void WalkPrograms::CloseObject::operator()(bpf_object* object) const { bpf_object__close(object); }
void WalkPrograms::CloseLink::operator()(bpf_link* link) const { bpf_link__destroy(link); }

void WalkPrograms::choose(const KernelTypes& types) {
  for (const auto& each : kTraced) {
    const auto arguments = types.tracepoint_arguments(each.tracepoint);
    if (arguments && *arguments >= each.least_arguments && *arguments <= each.most_arguments) continue;
    left_out_.emplace_back(each.program);
    if (each.without[0] == '\0') continue;
    missing_.push_back(fmt::format("{}: this kernel has no tracepoint {}{}", each.without, each.tracepoint,
                                   arguments ? " that tells them" : ""));
  }
  // What these programs are given; it came with them. Source: include/linux/bpf.h, net/netfilter/nf_bpf_link.c.
  if (types.has_structure("bpf_nf_ctx")) return;
  for (const auto& lookout : kLookouts) {
    if (std::ranges::find(left_out_, lookout.program) == left_out_.end()) left_out_.emplace_back(lookout.program);
  }
  missing_.emplace_back("addresses before and after translation: this kernel has no programs at netfilter hooks");
}

Status WalkPrograms::open(std::size_t ring_bytes) {
  const auto bytes = walk_object();
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "conntruth");
  object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), &options));
  if (!object_) return fail_errno("open the packet walk's programs", errno);
  bpf_map__set_max_entries(bpf_object__find_map_by_name(object_.get(), "events"),
                           static_cast<std::uint32_t>(ring_bytes));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    const std::string name = bpf_program__name(program);
    bpf_program__set_autoload(program, std::ranges::find(left_out_, name) == left_out_.end());
    if (!is_hook_program(name)) continue;
    // Bits, as the numbers are beyond the enums of this libbpf's headers.
    bpf_program__set_type(program, std::bit_cast<bpf_prog_type>(kNetfilterProgram));
    bpf_program__set_expected_attach_type(program, std::bit_cast<bpf_attach_type>(kNetfilterAttach));
  }
  return {};
}

// An object is loaded whole or not at all: what the kernel refuses is left out and the rest is tried again.
Result<WalkPrograms> WalkPrograms::load(const KernelTypes& types, std::size_t ring_bytes) {
  WalkPrograms programs;
  programs.choose(types);
  while (true) {
    const Listener listener;
    if (auto opened = programs.open(ring_bytes); !opened) return std::unexpected(opened.error());
    const int error = bpf_object__load(programs.object_.get());
    if (error == 0) break;
    const auto culprit = listener.culprit();
    const auto why = fail_errno("load", -error).error();
    if (culprit.empty() || std::ranges::find(programs.left_out_, culprit) != programs.left_out_.end())
      return fail(why.code, "the kernel refuses the packet walk's programs: " + why.message);
    programs.left_out_.push_back(culprit);
    programs.missing_.push_back(fmt::format("program {}: the kernel refuses it: {}", culprit, why.message));
  }
  return programs;
}

Status WalkPrograms::attach_tracepoints() {
  for (const auto& each : kTraced) {
    auto* program = bpf_object__find_program_by_name(object_.get(), each.program);
    if (program == nullptr || bpf_program__fd(program) < 0) continue;
    const Listener listener;
    std::unique_ptr<bpf_link, CloseLink> link(bpf_program__attach(program));
    if (link) {
      links_.push_back(std::move(link));
    } else {
      missing_.push_back(
          fmt::format("{}: {}", each.program, fail_errno("attach to the tracepoint", errno).error().message));
      left_out_.emplace_back(each.program);
    }
  }
  if (!links_.empty()) return {};
  return fail(ErrorCode::kUnsupported,
              "no tracepoint can be attached to: " + fmt::format("{}", fmt::join(missing_, "; ")));
}

Status WalkPrograms::add_place(std::uint32_t inode, const abi::walk_place& place) {
  if (bpf_map_update_elem(map("places"), &inode, &place, BPF_ANY) == 0) return {};
  return fail_errno("note a network namespace for the packet walk", errno);
}

bool WalkPrograms::has(const std::string& program) const {
  return descriptor(program) >= 0 && std::ranges::find(left_out_, program) == left_out_.end();
}

int WalkPrograms::descriptor(const std::string& program) const {
  const auto* found = bpf_object__find_program_by_name(object_.get(), program.c_str());
  return found == nullptr ? -1 : std::max(bpf_program__fd(found), -1);
}

std::vector<std::string> WalkPrograms::names() const {
  std::vector<std::string> all;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) all.emplace_back(bpf_program__name(program));
  return all;
}

int WalkPrograms::map(const char* name) const { return bpf_object__find_map_fd_by_name(object_.get(), name); }
int WalkPrograms::ring() const { return map("events"); }

std::uint64_t WalkPrograms::lost() const {
  const std::uint32_t zero = 0;
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)));
  if (bpf_map_lookup_elem(map("lost"), &zero, counts.data()) != 0) return 0;
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::vector<std::uint32_t> WalkPrograms::program_ids() const {
  std::vector<std::uint32_t> ids;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    if (const int fd = bpf_program__fd(program); fd >= 0) ids.push_back(id_of(fd));
  }
  return ids;
}

}  // namespace conntruth::observe
