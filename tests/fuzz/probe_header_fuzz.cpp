// Any bytes as a probe header. The checksum would keep a fuzzer out, so the input is also tried with a right one.

#include <algorithm>

#include "common/wire/checksum.hpp"
#include "common/wire/probe_header.hpp"
#include "tests/fuzz/check.hpp"

namespace wire = conntruth::wire;
using conntruth::fuzz::check;

namespace {

void decode(wire::Bytes bytes) {
  const auto header = wire::decode_probe_header(bytes);
  if (!header) return;
  const auto again = wire::encode(*header);
  check(wire::decode_probe_header(again) == header, "a header that was accepted can be sent and read again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  wire::ProbeHeaderBytes copy{};
  if (size < copy.size()) return 0;
  std::copy_n(data, copy.size(), copy.begin());
  wire::store32(copy, 60, wire::crc32c(wire::Bytes(copy).first(60)));
  decode(copy);
  return 0;
}
