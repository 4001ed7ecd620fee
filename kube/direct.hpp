#pragma once
// The API server by its own address, for programs that have to see when Services are broken.
//
// In a pod $KUBERNETES_SERVICE_HOST is a ClusterIP: the way to it is the dataplane that is to be judged. The servers
// themselves stand in the EndpointSlice default/kubernetes, which each kube-apiserver keeps up to date; they are
// reached there, under the name that the Service's certificate has anyway. What was found is remembered in a file, so
// that a restart in the middle of an outage finds the way too.
// Source: kubernetes.io/docs/tasks/run-application/access-api-from-pod, reconcilers of kube-apiserver.
// Threading: free functions; one caller at a time for one memory file.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"
#include "kube/access.hpp"
#include "kube/client.hpp"

namespace conntruth::kube {

struct DirectOptions {
  std::string url;                          // of a flag: then nothing is looked for, and nothing remembered
  std::string memory;                       // file; "": nothing outlives the process
  std::chrono::milliseconds attempt{3000};  // for each address
};

struct DirectClient {
  std::unique_ptr<Client> client;
  std::string by;      // for people: "172.18.0.2:6443", or "10.96.0.1:443, a Service: ..." with why not directly
  bool direct = true;  // false: the way leads through a Service
};

// `access` with the URL in its place; its certificates and tokens stay. kInvalidInput for what is no URL.
[[nodiscard]] Result<Access> with_server(Access access, const std::string& url);

// A client of the first server that answers: those that are remembered, then what `access` says, whose answer leads to
// the others. Rights: get endpointslices default/kubernetes; without them `access` is used as it is. kUnavailable where
// nobody answers, with each address and why not.
[[nodiscard]] Result<DirectClient> connect_directly(const Access& access, const ClientOptions& options,
                                                    const DirectOptions& direct);

// The servers in an EndpointSlice. Empty where the text is none.
[[nodiscard]] std::vector<SocketAddress> servers_of(const std::string& slice);

}  // namespace conntruth::kube
