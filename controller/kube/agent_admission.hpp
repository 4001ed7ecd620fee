#pragma once
// Whether a token is that of our agent on a node: the API server is asked (TokenReview).
//
// The token has to be for our audience, of the agents' ServiceAccount, and, where the API server says on which node it
// was given out (Kubernetes 1.30 and later, KEP-4193), of the very node that its agent speaks for. So a pod that steals
// the token of one node cannot pass for another.
// Threading: any thread, several at once. No message contains a token.

#include <chrono>
#include <string>

#include "common/result.hpp"
#include "kube/client.hpp"

namespace conntruth::kube {

struct AgentIdentity {
  std::string audience = "conntruth";
  std::string user = "system:serviceaccount:conntruth-system:conntruth-agent";
  std::chrono::milliseconds timeout{5000};
};

// kPermission: it is not; any other error: it could not be found out, with the right that is missing where that is it.
[[nodiscard]] Status admit_agent(Client& client, const AgentIdentity& identity, const std::string& token,
                                 const std::string& node);

}  // namespace conntruth::kube
