#pragma once
// Planted faults: a broken dataplane on one node, made and undone by two shell scripts that are data (lab/faults/data).
//
//   id: drop-udp-replies           the file's name without .yaml: a-z, 0-9, -
//   title: one line for people
//   needs: {proxy: true, ipv6: true, nodes: 2, pods: 1}     what the lab must have; all optional
//   default_node: node-2
//   plant: script                  run by `sh -eu` inside the node's namespaces
//   heal: script                   removes exactly what plant made
//   expect: anything               for the tests; kept as text
// The scripts see LAB LAB_DIR NODE NODE_IPV4 NODE_IPV6 POD POD_IPV4 POD_IPV6 POD_DEVICE (the node's first pod) and
// PROXY_PID (as seen inside the node); what does not exist is empty. Rules go to an nft table named planted_ID.
//
// What is planted is noted in LAB_DIR/faults, so that nothing is planted twice or healed without having been planted.
// Errors: kInvalidInput as "FILE:LINE: ...", kNotFound, kConflict (planted already), kUnsupported (the lab lacks what
// the fault needs), kUnavailable (the script failed; its last line is in the message). Threading: independent calls;
// one lab from one thread.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

struct FaultNeeds {
  bool proxy = false;  // a reference proxy runs on the node
  bool ipv4 = false;
  bool ipv6 = false;
  unsigned nodes = 1;
  unsigned pods = 1;
  bool operator==(const FaultNeeds&) const = default;
};

struct Fault {
  std::string id;
  std::string title;
  FaultNeeds needs;
  std::string default_node = "node-2";
  std::string plant;
  std::string heal;
  std::string expect;  // the YAML below `expect`, "" where there is none
  bool operator==(const Fault&) const = default;
};

[[nodiscard]] Result<Fault> read_fault(std::string_view text, std::string_view origin);
[[nodiscard]] Result<Fault> read_fault_file(const std::string& path);
// All *.yaml of a directory, sorted by id; the file's name must be the id.
[[nodiscard]] Result<std::vector<Fault>> load_faults(const std::string& directory);
// $CONNTRUTH_FAULTS, else share/conntruth/faults beside the program's directory, else the source tree.
[[nodiscard]] std::string fault_directory();

struct PlantedFault {
  std::string fault;
  std::string node;
  bool operator==(const PlantedFault&) const = default;
};
[[nodiscard]] std::vector<PlantedFault> planted_faults(const Lab& lab);

// `node` empty: the fault's default. A plant script that fails is healed at once.
[[nodiscard]] Status plant_fault(const Lab& lab, const Fault& fault, const std::string& node);
[[nodiscard]] Status heal_fault(const Lab& lab, const Fault& fault, const std::string& node);

}  // namespace conntruth::lab
