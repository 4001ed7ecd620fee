#pragma once
// Packets of witnesses as a capture file that tcpdump and Wireshark read: one interface for each device that they were
// seen at, bytes from the IP header on (LINKTYPE_RAW). Source: draft-ietf-opsawg-pcapng. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "controller/evidence/walk.hpp"

namespace conntruth::bundle {

// Node → what its clock has to be given to be a date: CLOCK_REALTIME − CLOCK_MONOTONIC, ns. Where a node is missing,
// its packets have the time since it was started.
using ClockOffsets = std::map<std::string, std::int64_t>;

// Of the steps that have bytes, in the order of their dates. Each packet's comment is the probe's TASK/SEQUENCE.
[[nodiscard]] std::string to_pcapng(const std::vector<evidence::Step>& steps, const ClockOffsets& offsets);

}  // namespace conntruth::bundle
