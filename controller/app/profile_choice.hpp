#pragma once
// Which profile a run judges each node by: what the user named, or what the node's dataplane is.
// Threading: the main thread; reads the profiles' files.

#include <map>
#include <string>
#include <vector>

#include "common/model/topology.hpp"
#include "common/result.hpp"
#include "controller/oracle/profile.hpp"

namespace conntruth::app {

struct ProfileChoice {
  oracle::Profiles profiles;
  std::vector<std::string> texts;  // parallel to profiles.profiles
  std::string described;           // "kube-proxy-nftables 1.36.3 on 3 nodes", "none"; where nodes differ, by name
};

// `wanted`: "auto", "none", or NAME or FILE with an optional "@VERSION" for every node. `dataplanes`: by node, as
// Environment::dataplanes() tells. Without a version the node's own is taken where its dataplane is the profile's, else
// it is unknown, and then every fact holds. Errors: kNotFound, kInvalidInput.
[[nodiscard]] Result<ProfileChoice> choose_profiles(const std::string& wanted, const Topology& topology,
                                                    const std::map<std::string, std::string>& dataplanes);

// `known`, and for other nodes what their agents have seen there (common/model/dataplane.hpp).
[[nodiscard]] std::map<std::string, std::string> with_told(
    std::map<std::string, std::string> known, const std::map<std::string, std::vector<std::string>>& capabilities);

}  // namespace conntruth::app
