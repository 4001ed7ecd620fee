#include "agent/probe/flight_table.hpp"

#include <bit>

namespace conntruth::probe {

FlightTable::FlightTable(std::size_t capacity)
    : slots_(std::bit_ceil(capacity * 2)), mask_(slots_.size() - 1), capacity_(capacity) {}

std::size_t FlightTable::home(ProbeId id) const { return (id * 0x9E3779B97F4A7C15ULL) >> 32U & mask_; }

std::size_t FlightTable::slot_of(ProbeId id) const {
  auto slot = home(id);
  while (slots_[slot].id != 0 && slots_[slot].id != id) slot = (slot + 1) & mask_;
  return slot;
}

Flight* FlightTable::find(ProbeId id) {
  auto& flight = slots_[slot_of(id)];
  return id != 0 && flight.id == id ? &flight : nullptr;
}

Flight& FlightTable::insert(ProbeId id) {
  auto& flight = slots_[slot_of(id)];
  if (flight.id == 0) {
    flight = {};
    flight.id = id;
    ++size_;
  }
  return flight;
}

// Closes the gap: a later flight of the same run moves back unless that would put it before its home.
void FlightTable::erase(ProbeId id) {
  auto gap = slot_of(id);
  if (id == 0 || slots_[gap].id != id) return;
  --size_;
  for (auto next = (gap + 1) & mask_; slots_[next].id != 0; next = (next + 1) & mask_) {
    const auto distance = (next - home(slots_[next].id)) & mask_;
    if (distance < ((next - gap) & mask_)) continue;
    slots_[gap] = slots_[next];
    gap = next;
  }
  slots_[gap] = {};
}

void FlightTable::for_each(const std::function<void(Flight&)>& visit) {
  for (auto& flight : slots_) {
    if (flight.id != 0) visit(flight);
  }
}

}  // namespace conntruth::probe
