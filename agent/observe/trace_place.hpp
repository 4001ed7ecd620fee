#pragma once
// The trace of one network namespace: the table that marks packets, and the socket by which the kernel tells of them.
// Threading: one thread at a time.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/io/fd.hpp"
#include "agent/observe/nft_session.hpp"
#include "agent/observe/nft_thread.hpp"
#include "agent/observe/trace_message.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

class TracePlace {
 public:
  // `netns`: a path, "" for the caller's. `nft` has to outlive it, and leave() has to come before its end.
  [[nodiscard]] static Result<TracePlace> attach(const std::string& netns, NftThread& nft);

  [[nodiscard]] int fd() const { return socket_.get(); }
  // Hands over what waits; the number of datagrams that were lost or could not be read.
  [[nodiscard]] std::uint64_t drain(const std::function<void(std::vector<TraceEvent>)>& take);
  // The kernel removes the table.
  void leave(NftThread& nft);
  // Of the namespace, for as long as this lives.
  [[nodiscard]] const std::string& path() const { return path_; }
  // Tables of iptables-legacy, which is not traced: "nat", "filter", ...
  [[nodiscard]] const std::vector<std::string>& legacy_tables() const { return legacy_; }

 private:
  TracePlace() = default;
  [[nodiscard]] Status hold();
  [[nodiscard]] Status listen();
  [[nodiscard]] Status mark();

  io::Fd space_;
  std::string path_;
  io::Fd socket_;
  std::optional<NftSession> owner_;
  std::vector<std::string> legacy_;
};

}  // namespace conntruth::observe
