#pragma once
// A lab's directory under /run/conntruth/labs: what is in it, how it is written and removed.
//   spec.json       the specification; written last, its presence means that the lab is complete
//   topology.json   addresses and devices, for people and scripts (nothing of ours reads it)
//   world.json      what the proxies follow
//   kubernetes/     secrets and kubeconfigs of a lab with a Kubernetes API, for root alone
//   run/            what became of the programs of such a lab (lab/kubernetes/daemons.hpp)
//   proxy/NODE.json what each proxy reports; log/NODE-proxy.log what it printed
// Every file appears by rename, so no reader sees half of one.
// Threading: independent calls on different labs may run side by side.

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/model/topology.hpp"
#include "common/result.hpp"

namespace conntruth::lab {

[[nodiscard]] std::string lab_directory(const std::string& name);
// kConflict where it exists.
[[nodiscard]] Status make_lab_directory(const std::string& name);
[[nodiscard]] bool has_lab_directory(const std::string& name);
// Also removes the directories above when they are empty. Never fails: what is gone is gone.
void remove_lab_directory(const std::string& name);
[[nodiscard]] std::vector<std::string> lab_directories();  // names

[[nodiscard]] Status write_whole_file(const std::string& path, const std::string& content, mode_t mode = 0644);

// Programs of one build or installation lie side by side: the path of one beside the program that runs.
[[nodiscard]] Result<std::string> program_beside_us(std::string_view name);

// Addresses, devices and ranges as one JSON document; the static part of `conntruth lab status -o json`.
[[nodiscard]] std::string topology_json(const Topology& topology);

}  // namespace conntruth::lab
