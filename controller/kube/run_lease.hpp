#pragma once
// The Lease that keeps two runs from writing their worlds into one cluster at the same time. Held by renewing it on a
// thread of its own; given back by deleting it. A run that was killed leaves it behind: it counts until its duration
// has passed since it was last renewed, by this machine's clock; for the same holder it never counts.
//
// Errors of acquire(): kConflict where another run holds it (its name, when it was renewed, when it ends); what the
// client says where the API refuses. Source: coordination.k8s.io/v1 Lease, k8s.io/client-go/tools/leaderelection.
// Threading: held() and the destructor on one thread; the client is used from the renewing thread too.

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "common/result.hpp"
#include "kube/client.hpp"

namespace conntruth::kube {

// Every field has an initializer, so that callers may name just the ones they set.
// NOLINTBEGIN(readability-redundant-member-init)
struct RunLeaseOptions {
  std::string namespace_name = "conntruth";  // of the worlds; made where it is missing, swept with them
  std::string name = "run";
  std::string holder;  // who we are, for whoever finds it taken: "host worker-1, process 4711"
  std::chrono::seconds duration{30};
  // The caller knows by other means that no run is alive: taken from whoever is written in it.
  bool take_over = false;
  bool make_namespace = true;
  std::map<std::string, std::string> labels{};
  std::map<std::string, std::string> annotations{};
  std::string owner{};  // JSON of an owner reference: who takes the Lease with it; "" for none
};
// NOLINTEND(readability-redundant-member-init)

class RunLease {
 public:
  [[nodiscard]] static Result<std::unique_ptr<RunLease>> acquire(Client& client, RunLeaseOptions options);
  RunLease(const RunLease&) = delete;
  RunLease& operator=(const RunLease&) = delete;
  ~RunLease();  // gives it back

  // kConflict once somebody else has taken it, kUnavailable once it could not be renewed for its whole duration.
  [[nodiscard]] Status held() const;

 private:
  class Renewal;
  explicit RunLease(std::unique_ptr<Renewal> renewal);
  std::unique_ptr<Renewal> renewal_;
};

}  // namespace conntruth::kube
