// Any bytes as a planted fault: a Fault, or one line that names the file.

#include "lab/faults/faults.hpp"
#include "tests/fuzz/check.hpp"

using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto fault = conntruth::lab::read_fault(conntruth::fuzz::as_text(data, size), "fuzz.yaml");
  if (fault) return 0;
  check(fault.error().message.starts_with("fuzz.yaml"), "a message names the file");
  check(fault.error().message.find('\n') == std::string::npos, "a message is one line");
  return 0;
}
