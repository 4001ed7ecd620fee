// Any bytes as a scenario: a Scenario, or one line that starts with FILE:LINE.

#include "controller/catalogue/catalogue.hpp"
#include "tests/fuzz/check.hpp"

using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto scenario = conntruth::catalogue::read_scenario(conntruth::fuzz::as_text(data, size), "fuzz.yaml");
  if (scenario) {
    check(!scenario->id.empty(), "a scenario has an id");
    return 0;
  }
  check(scenario.error().message.starts_with("fuzz.yaml"), "a message names the file");
  check(scenario.error().message.find('\n') == std::string::npos, "a message is one line");
  return 0;
}
