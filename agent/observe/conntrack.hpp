#pragma once
// What a node's connection tracking knows of one flow, asked by ctnetlink: an exact look-up that costs one system call
// pair, never a dump. Source: linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c.
// Errors: kPermission without CAP_NET_ADMIN in the namespace, kUnsupported where the kernel has no ctnetlink,
// kUnavailable where it did not answer at once, kInvalidInput for an answer that cannot be read.
// Threading: one thread at a time.

#include <cstdint>
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

 private:
  explicit Conntrack(io::Fd socket) : socket_(std::move(socket)) {}
  io::Fd socket_;
  std::uint32_t sequence_ = 0;
};

// Whether connection tracking can be asked here, tried on a flow that there is not.
[[nodiscard]] bool answers();

}  // namespace conntruth::observe
