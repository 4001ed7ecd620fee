#pragma once
// What serves a node's Services, as text: "kube-proxy:nftables@v1.36.3".

#include <string_view>

namespace conntruth {

// Before such a text: a word among the capabilities of an agent's hello (Hello.capabilities), of an agent that has seen
// what serves its node.
inline constexpr std::string_view kDataplaneWord = "dataplane:";

}  // namespace conntruth
