#pragma once
// The lives of entries of connection tracking in one network namespace, put together of what ctnetlink tells: every
// entry before, what happens meanwhile, every entry afterwards. Only of flows that are asked for a life is told; which
// they are may become known at any time, so of all others a fingerprint is kept (16 bytes for each that was there
// before), and events up to a bound. Pure. Threading: one thread at a time.

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/observe/conntrack_message.hpp"
#include "common/model/entry_life.hpp"

namespace conntruth::observe {

struct HashTuple {
  std::size_t operator()(const FlowTuple& tuple) const noexcept;
};

class EntryLedger {
 public:
  explicit EntryLedger(std::size_t most_events = 100'000) : most_events_(most_events) {}

  void before(const ConntrackEvent& there);
  void before_is_known(std::int64_t at_ns);  // all of them were handed over
  void take(const ConntrackEvent& event, std::int64_t at_ns);
  void lose(std::uint64_t messages) { lost_ += messages; }
  // The flow of a hop of that place: whichever way it goes, translated or not.
  void want(const Hop& hop);
  void after(const ConntrackEvent& there);
  // All of them were handed over; `began_ns` is when the first was asked for. Events may follow that came meanwhile.
  void after_is_known(std::int64_t began_ns) {
    after_ns_ = began_ns;
    after_known_ = true;
  }

  // Ports of netlink sockets that had entries deleted.
  [[nodiscard]] const std::map<std::uint32_t, std::uint32_t>& deletions() const { return deletions_; }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }  // messages, also those beyond the bound
  // Of the flows that were wanted, in order of their tuples.
  [[nodiscard]] std::vector<EntryLife> lives() const;

 private:
  struct Seen {
    ConntrackEvent event;
    std::int64_t at_ns = 0;
  };
  struct Known {  // of before
    std::uint32_t status = 0;
    std::uint32_t timeout_s = 0;
  };
  struct Print {
    std::uint64_t key = 0;
    Known known;
  };
  struct Told;  // a life, and until when it would last
  class Book;

  [[nodiscard]] bool is_wanted(const ConntrackEntry& entry) const;
  [[nodiscard]] const Known* known_before(const FlowTuple& original, std::uint16_t zone) const;

  const std::size_t most_events_;
  std::vector<Print> prints_;  // sorted by key once all are known
  std::int64_t before_ns_ = 0;
  std::int64_t after_ns_ = 0;
  bool after_known_ = false;
  std::vector<Seen> events_;
  std::vector<ConntrackEvent> after_;                            // of wanted flows
  std::unordered_set<FlowTuple, HashTuple> wanted_;              // as probes go
  std::unordered_map<FlowTuple, HopConntrack, HashTuple> hops_;  // by the original tuple of their entry
  std::map<std::uint32_t, std::uint32_t> deletions_;             // port → entries
  std::uint64_t lost_ = 0;
};

}  // namespace conntruth::observe
