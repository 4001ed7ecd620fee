// Any bytes as a lab's specification: within its bounds, or one line that names the file.

#include "lab/lab.hpp"
#include "tests/fuzz/check.hpp"

using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto spec = conntruth::lab::read_lab_spec(conntruth::fuzz::as_text(data, size), "fuzz.yaml");
  if (spec) {
    check(!spec->name.empty() && spec->name.size() <= 20, "a name is 1 to 20 characters");
    check(spec->nodes >= 1 && spec->nodes <= 50, "1 to 50 nodes");
    check(spec->pods_per_node >= 1 && spec->pods_per_node <= 20, "1 to 20 pods per node");
    return 0;
  }
  check(spec.error().message.starts_with("fuzz.yaml"), "a message names the file");
  check(spec.error().message.find('\n') == std::string::npos, "a message is one line");
  return 0;
}
