#pragma once
// The packet walk: what the kernel does to the packets of probes on this node, step by step, as hops
// (common/model/hop.hpp), while the object lives. All that it puts into the kernel hangs on its descriptors, so nothing
// stays when the process ends, however it ends.
//
// Errors of attach(): one line "packet walk: not available here: ..." with the kernel's reason; what is missing only in
// part is told by unavailable().
// Threading: one thread at a time, but lost() is for any.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/hop.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

class KernelSymbols;

struct WalkOptions {
  // Name → path of the network namespace. The caller's own, "", is always looked at.
  std::map<NamespaceName, std::string> places;
  std::size_t ring_bytes = std::size_t{1} << 24U;  // for some 50,000 events that wait; a power of two of pages
  std::chrono::milliseconds check_within{2'000};
  std::shared_ptr<KernelSymbols> symbols = {};  // kept from one walk to the next; without it a walk reads its own
};

class PacketWalk {
 public:
  // Attaches and checks itself with packets of its own over the caller's loopback device.
  [[nodiscard]] static Result<PacketWalk> attach(const WalkOptions& options);
  // Whether attach() has a chance: the kernel describes its types and this process may trace. Cheap.
  [[nodiscard]] static Status available();

  PacketWalk(PacketWalk&&) noexcept;
  PacketWalk& operator=(PacketWalk&&) noexcept;
  PacketWalk(const PacketWalk&) = delete;
  PacketWalk& operator=(const PacketWalk&) = delete;
  ~PacketWalk();

  [[nodiscard]] int fd() const;  // readable (epoll) while events wait
  // Hands over what waits; not called where nothing does.
  void drain(const std::function<void(std::vector<Hop>)>& take);
  // Leaves every hook and tracepoint; drain() has the rest.
  void detach();
  [[nodiscard]] std::uint64_t lost() const;  // events that found no room in the ring, or that could not be read
  // What is not seen here and why, a line each.
  [[nodiscard]] const std::vector<std::string>& unavailable() const;
  // Numbers of what it has in the kernel, by which a test sees that nothing stays.
  [[nodiscard]] std::vector<std::uint32_t> program_ids() const;
  [[nodiscard]] std::vector<std::uint32_t> hook_link_ids() const;

 private:
  struct State;
  explicit PacketWalk(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace conntruth::observe
