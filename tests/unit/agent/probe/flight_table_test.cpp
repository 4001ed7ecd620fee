#include "agent/probe/flight_table.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace conntruth::probe {
namespace {

TEST(FlightTable, finds_what_was_inserted_and_nothing_else) {
  FlightTable table(4);
  table.insert(probe_id(1, 0)).source_port = 5;
  EXPECT_EQ(table.find(probe_id(1, 0))->source_port, 5);
  EXPECT_EQ(table.find(probe_id(1, 1)), nullptr);
  EXPECT_EQ(table.find(0), nullptr);
}

TEST(FlightTable, an_erased_flight_is_gone_and_its_neighbours_stay) {
  // Against a plain set over many random steps, nearly full, so that runs are long and erasing has to move flights.
  FlightTable table(64);
  std::set<ProbeId> model;
  std::mt19937 random(1);  // a fixed seed makes a failure repeatable
  for (int step = 0; step < 50000; ++step) {
    const auto id = probe_id(static_cast<std::uint32_t>(1 + random() % 3), static_cast<std::uint32_t>(random() % 60));
    if (random() % 2 == 0 && model.size() < 64) {
      table.insert(id);
      model.insert(id);
    } else {
      table.erase(id);
      model.erase(id);
    }
    ASSERT_EQ(table.size(), model.size());
    for (const auto present : model) ASSERT_NE(table.find(present), nullptr);
  }
}

TEST(FlightTable, visits_every_flight_once) {
  FlightTable table(100);
  for (std::uint32_t i = 0; i < 100; ++i) table.insert(probe_id(2, i));
  std::set<ProbeId> seen;
  table.for_each([&](const Flight& flight) { EXPECT_TRUE(seen.insert(flight.id).second); });
  EXPECT_EQ(seen.size(), 100U);
}

TEST(EndedFlights, tells_late_from_repeated_from_unknown) {
  EndedFlights ended;
  ended.add(probe_id(1, 1), Ending::kAnswered);
  ended.add(probe_id(1, 2), Ending::kExpired);
  EXPECT_EQ(ended.find(probe_id(1, 1)), Ending::kAnswered);
  EXPECT_EQ(ended.find(probe_id(1, 2)), Ending::kExpired);
  EXPECT_EQ(ended.find(probe_id(1, 3)), Ending::kUnknown);
}

}  // namespace
}  // namespace conntruth::probe
