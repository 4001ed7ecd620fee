#pragma once
// The probes in flight of one place, by id: open addressing with linear probing, sized once, no allocation per probe.
// Pure. Pointers are valid until the next insert() or erase().

#include <cstdint>
#include <functional>
#include <vector>

#include "common/model/probe.hpp"

namespace conntruth::probe {

struct TaskState;

struct Flight {
  ProbeId id = 0;  // 0: a free slot (task ids start at 1)
  TaskState* task = nullptr;
  std::int64_t sent_ns = 0;
  int fd = -1;  // a socket of its own; closed with the flight
  std::uint16_t source_port = 0;
  bool awaited = false;       // of a task that is being answered: counts against the window of awaited answers
  bool connected = false;     // tcp-socket: the handshake is over
  bool unidentified = false;  // somebody accepted it without identity
};

class FlightTable {
 public:
  explicit FlightTable(std::size_t capacity);  // flights at a time, 1..

  [[nodiscard]] Flight* find(ProbeId id);
  // Not while size() == capacity(). An id that is in flight already is given again as it is.
  Flight& insert(ProbeId id);
  void erase(ProbeId id);
  void for_each(const std::function<void(Flight&)>& visit);  // which must not insert or erase

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  [[nodiscard]] std::size_t home(ProbeId id) const;
  [[nodiscard]] std::size_t slot_of(ProbeId id) const;  // its slot, or the free one where it would go
  std::vector<Flight> slots_;
  std::size_t mask_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

// How the last probes ended, to tell late answers from repeated ones. Remembers some thousand.
enum class Ending : std::uint8_t { kUnknown, kAnswered, kExpired };

class EndedFlights {
 public:
  EndedFlights() : slots_(kSlots) {}
  void add(ProbeId id, Ending ending) { slots_[index(id)] = {id, ending}; }
  [[nodiscard]] Ending find(ProbeId id) const {
    const auto& slot = slots_[index(id)];
    return slot.id == id ? slot.ending : Ending::kUnknown;
  }

 private:
  static constexpr std::size_t kSlots = 16384;
  static std::size_t index(ProbeId id) { return (id * 0x9E3779B97F4A7C15ULL) >> 50U; }  // 14 bits
  struct Slot {
    ProbeId id = 0;
    Ending ending = Ending::kUnknown;
  };
  std::vector<Slot> slots_;
};

}  // namespace conntruth::probe
