#include "agent/observe/walk.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "agent/io/clock.hpp"
#include "agent/observe/bpf_call.hpp"
#include "agent/observe/hop_reader.hpp"
#include "agent/observe/kernel_symbols.hpp"
#include "agent/observe/walk_check.hpp"
#include "agent/observe/walk_hooks.hpp"
#include "agent/observe/walk_programs.hpp"

namespace conntruth::observe {

namespace {

constexpr auto kOwnNamespace = "/proc/thread-self/ns/net";

Result<std::uint32_t> inode_of(const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) return fail_errno("look at network namespace " + path, errno);
  return static_cast<std::uint32_t>(found.st_ino);
}

struct FreeRing {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

// Raw sockets, such as our own responders', are given copies, and a filter that drops one says nothing of the packet.
// Source: net/ipv4/raw.c, net/ipv6/raw.c.
bool is_copy(const Hop& hop) {
  return hop.kind == HopKind::kDropped && (hop.function == "raw_rcv" || hop.function == "rawv6_rcv");
}

Error unavailable_here(const Error& why) { return {why.code, "packet walk: not available here: " + why.message}; }

}  // namespace

struct PacketWalk::State {
  State(WalkPrograms loaded, std::map<std::uint32_t, std::string> drop_reasons, std::shared_ptr<KernelSymbols> known)
      : programs(std::move(loaded)), reasons(std::move(drop_reasons)), symbols(std::move(known)) {
    if (!symbols) symbols = std::make_shared<KernelSymbols>();
    names.reason = [this](std::uint32_t reason) {
      const auto found = reasons.find(reason);
      return found == reasons.end() ? "" : found->second;
    };
    names.function = [this](std::uint64_t address) { return std::string(symbols->function_at(address)); };
  }

  [[nodiscard]] Status open_ring();
  [[nodiscard]] Status add_place(const NamespaceName& name, const std::string& path);
  [[nodiscard]] Status check(std::chrono::milliseconds within);
  [[nodiscard]] bool hooks_whole(Family family) const;

  WalkPrograms programs;
  std::map<std::uint32_t, std::string> reasons;
  std::shared_ptr<KernelSymbols> symbols;
  HopNames names;
  std::vector<PlaceHooks> hooks;
  std::vector<std::string> unavailable;
  std::atomic<std::uint64_t> unreadable = 0;  // events
  std::vector<Hop> hops;                      // read and not handed over yet
  std::unique_ptr<ring_buffer, FreeRing> ring;
};

Status PacketWalk::State::open_ring() {
  const auto take = [](void* context, void* data, std::size_t size) {
    auto& state = *static_cast<State*>(context);
    auto hop = read_hop({static_cast<const std::uint8_t*>(data), size}, state.names);
    if (!hop) {
      ++state.unreadable;
    } else if (!is_copy(*hop)) {
      state.hops.push_back(std::move(*hop));
    }
    return 0;
  };
  ring.reset(ring_buffer__new(programs.ring(), take, this, nullptr));
  if (!ring) return fail_errno("map the ring of events", errno);
  return {};
}

// Only then its events are let through: the hooks tell whether connection tracking is at work there.
Status PacketWalk::State::add_place(const NamespaceName& name, const std::string& path) {
  const auto inode = inode_of(path.empty() ? kOwnNamespace : path);
  if (!inode) return std::unexpected(inode.error());
  auto attached = PlaceHooks::attach(path, programs);
  if (!attached) return std::unexpected(attached.error());
  for (const auto& line : attached->missing())
    unavailable.push_back(fmt::format("hooks of {}: {}", name.empty() ? "the node" : name, line));
  const abi::walk_place place{.index = static_cast<std::uint32_t>(names.places.size()),
                              .tracked4 = attached->tracked(Family::kIpv4),
                              .tracked6 = attached->tracked(Family::kIpv6),
                              .unused = 0};
  names.places.push_back(name);
  hooks.push_back(std::move(*attached));
  return programs.add_place(*inode, place);
}

bool PacketWalk::State::hooks_whole(Family family) const {
  return !hooks.empty() && hooks.front().whole(family);  // the node's own, where the check is
}

Status PacketWalk::State::check(std::chrono::milliseconds within) {
  const io::MonotonicClock clock;
  const auto until = clock.now_ns() + std::chrono::nanoseconds(within).count();
  auto sent = WalkCheck::send([this](const std::string& program) { return programs.has(program); },
                              [this](Family family) { return hooks_whole(family); });
  if (!sent) return std::unexpected(sent.error().in("its check of itself"));
  auto left = until - clock.now_ns();
  for (; !sent->missing().empty() && left > 0; left = until - clock.now_ns()) {
    pollfd ready{.fd = ring_buffer__epoll_fd(ring.get()), .events = POLLIN, .revents = 0};
    poll(&ready, 1, static_cast<int>(left / 1'000'000 + 1));
    ring_buffer__consume(ring.get());
    for (const auto& hop : std::exchange(hops, {})) sent->take(hop);
  }
  std::ranges::copy(sent->untried(), std::back_inserter(unavailable));
  if (const auto missing = sent->missing(); !missing.empty()) {
    return fail(ErrorCode::kUnavailable, fmt::format("its check of itself did not see {}", fmt::join(missing, ", ")));
  }
  return {};
}

PacketWalk::PacketWalk(std::unique_ptr<State> state) : state_(std::move(state)) {}
PacketWalk::PacketWalk(PacketWalk&&) noexcept = default;
PacketWalk& PacketWalk::operator=(PacketWalk&&) noexcept = default;
PacketWalk::~PacketWalk() = default;

Status PacketWalk::available() {
  if (auto inode = inode_of("/sys/kernel/btf/vmlinux"); !inode)
    return fail(ErrorCode::kUnsupported, "this kernel does not describe its types (/sys/kernel/btf/vmlinux)");
  if (auto may = may_trace(); !may)
    return fail(may.error().code,
                may.error().message + "; it needs CAP_BPF and CAP_PERFMON, and CAP_NET_ADMIN for hooks");
  return {};
}

Result<PacketWalk> PacketWalk::attach(const WalkOptions& options) {
  const auto refuse = [](const Error& why) { return std::unexpected(unavailable_here(why)); };
  const auto types = KernelTypes::load();
  if (!types) return refuse(types.error());
  auto programs = WalkPrograms::load(*types, options.ring_bytes);
  if (!programs) return refuse(programs.error());
  auto state = std::make_unique<State>(std::move(*programs), types->enum_names("skb_drop_reason", "SKB_DROP_REASON_"),
                                       options.symbols);
  if (auto opened = state->open_ring(); !opened) return refuse(opened.error());
  if (auto attached = state->programs.attach_tracepoints(); !attached) return refuse(attached.error());
  if (auto added = state->add_place("", ""); !added) return refuse(added.error());
  for (const auto& [name, path] : options.places) {
    if (name.empty()) continue;
    if (auto added = state->add_place(name, path); !added) return refuse(added.error().in("place " + name));
  }
  std::ranges::copy(state->programs.missing(), std::back_inserter(state->unavailable));
  if (const auto function = types->function("ip_local_deliver")) {
    if (auto may = may_trace_function(*function); !may)
      state->unavailable.push_back("functions of the kernel (fentry): " + may.error().message);
  }
  if (auto checked = state->check(options.check_within); !checked) return refuse(checked.error());
  return PacketWalk(std::move(state));
}

int PacketWalk::fd() const { return ring_buffer__epoll_fd(state_->ring.get()); }

void PacketWalk::drain(const std::function<void(std::vector<Hop>)>& take) {
  ring_buffer__consume(state_->ring.get());
  auto hops = std::exchange(state_->hops, {});
  std::erase_if(hops, [](const Hop& hop) { return task_of(hop.probe) == kCheckTask; });
  if (!hops.empty()) take(std::move(hops));
}

void PacketWalk::detach() {
  state_->hooks.clear();
  state_->programs.detach();
}

std::uint64_t PacketWalk::lost() const { return state_->programs.lost() + state_->unreadable; }
const std::vector<std::string>& PacketWalk::unavailable() const { return state_->unavailable; }
std::vector<std::uint32_t> PacketWalk::program_ids() const { return state_->programs.program_ids(); }

std::vector<std::uint32_t> PacketWalk::hook_link_ids() const {
  std::vector<std::uint32_t> ids;
  for (const auto& place : state_->hooks) std::ranges::copy(place.link_ids(), std::back_inserter(ids));
  return ids;
}

}  // namespace conntruth::observe
