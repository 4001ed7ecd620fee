// The packet walk: one object of all programs, so that they share their maps. What of it a kernel can run is chosen by
// the agent, program by program.

#include "bpf/device_in.h"
#include "bpf/device_out.h"
#include "bpf/dropped.h"
#include "bpf/hooks.h"
#include "bpf/icmp_error.h"
#include "bpf/reset.h"

// Helpers that read kernel memory ask for it; see README.md.
const char license_of_walk[] SEC("license") = "GPL";
