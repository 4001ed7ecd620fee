// Any bytes as the answer to a question for addresses.

#include <algorithm>

#include "agent/probe/dns_message.hpp"
#include "tests/fuzz/check.hpp"

namespace probe = conntruth::probe;
using conntruth::Family;
using conntruth::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto answer = probe::read_dns_answer({data, size}, 1, "web.shop.svc.cluster.local", family);
    if (!answer || !*answer) continue;
    const auto& addresses = (*answer)->addresses;
    check((*answer)->code < 16, "a code has four bits");
    check(std::ranges::is_sorted(addresses), "addresses are sorted");
    check(std::ranges::all_of(addresses, [&](const auto& each) { return each.family() == family; }),
          "addresses are of the family that was asked for");
  }
  return 0;
}
