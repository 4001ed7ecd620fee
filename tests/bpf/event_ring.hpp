#pragma once
// The walk's programs, loaded and at one place, and the events that they write, as they wrote them.

#include <memory>
#include <vector>

#include "agent/observe/walk_programs.hpp"
#include "bpf/abi/hop_event.h"
#include "common/result.hpp"
#include "tests/bpf/make_packet.hpp"

struct ring_buffer;

namespace conntruth::tests {

class EventRing {
 public:
  // `inode`: of the network namespace that is the place; 0 is what a packet of the kernel's test-run has.
  [[nodiscard]] static Result<EventRing> open(std::uint32_t inode, const abi::walk_place& place);

  [[nodiscard]] observe::WalkPrograms& programs() { return programs_; }
  // What was written since it was asked last; waits up to `milliseconds` for the first where there is none.
  [[nodiscard]] std::vector<abi::hop_event> take(int milliseconds = 0);

 private:
  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  explicit EventRing(observe::WalkPrograms programs) : programs_(std::move(programs)) {}
  observe::WalkPrograms programs_;
  std::unique_ptr<std::vector<abi::hop_event>> events_ = std::make_unique<std::vector<abi::hop_event>>();
  std::unique_ptr<ring_buffer, Free> ring_;
};

// Fails the test unless the event is what the case's packet has to give: id, way, addresses, ports, protocol, ICMP.
void expect_event(const abi::hop_event& event, const MadePacket& packet, ProbeId id, Seen seen);

// Why these tests cannot be run here, or "".
[[nodiscard]] std::string why_not_here();

}  // namespace conntruth::tests
