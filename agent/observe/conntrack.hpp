#pragma once
// What a node's connection tracking knows, asked by ctnetlink: of one flow by an exact look-up, which costs one system
// call pair; of all flows by a dump, which takes a second for a million and is for times when witnesses are sent alone.
// Source: linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c. Errors: kPermission without
// CAP_NET_ADMIN in the namespace, kUnsupported where the kernel has no ctnetlink, kUnavailable where it did not answer
// at once, kInvalidInput for an answer that cannot be read. Threading: one thread at a time.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "agent/io/fd.hpp"
#include "agent/observe/conntrack_message.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

class Conntrack {
 public:
  // Of that network namespace (a path; "": the caller's), whichever thread asks later.
  [[nodiscard]] static Result<Conntrack> open(const std::string& netns);

  // The entry whose first packet came as `original`, in its zone; none where there is no such entry.
  [[nodiscard]] Result<std::optional<ConntrackEntry>> find(const FlowTuple& original, std::uint16_t zone = 0);

  // Every entry there is, once each but where the kernel's table changes its size meanwhile.
  [[nodiscard]] Status dump(const std::function<void(const ConntrackEvent&)>& take);

 private:
  [[nodiscard]] Status send(const std::vector<std::uint8_t>& question);
  explicit Conntrack(io::Fd socket) : socket_(std::move(socket)) {}
  io::Fd socket_;
  std::uint32_t sequence_ = 0;
};

// Whether connection tracking can be asked here, tried on a flow that there is not.
[[nodiscard]] bool answers();

}  // namespace conntruth::observe
