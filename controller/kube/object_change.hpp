#pragma once
// One object of a cluster brought from one state to another by as many requests as it takes. Internal to the room.
//
// Errors that may pass by themselves (an address or port that another object still holds, an object or a namespace that
// is still being deleted) leave the change where it stands: run() again continues it.
// Threading: one thread at a time per change; changes are independent of each other.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "common/world/world.hpp"
#include "controller/kube/world_writer.hpp"
#include "kube/client.hpp"

namespace conntruth::kube {

[[nodiscard]] bool may_pass(const Error& error);
[[nodiscard]] bool is_allocation(const Error& error);  // "provided port is already allocated"

// `Object` is world::Service or world::EndpointSlice.
template <typename Object>
class ObjectChange {
 public:
  // At least one of the two; both as wanted().
  ObjectChange(std::optional<Object> before, std::optional<Object> after)
      : before_(std::move(before)), after_(std::move(after)) {}

  [[nodiscard]] Status run(Client& client, SteadyTime deadline);
  // Two objects that each hold what the other wants can only change by going first.
  void go_first() { recreate_ = true; }

  // What the cluster is known to have now: "" where nothing.
  [[nodiscard]] const std::optional<Object>& now() const { return now_written_ ? now_ : before_; }
  [[nodiscard]] bool removes() const { return !after_; }
  [[nodiscard]] std::string key() const;
  [[nodiscard]] const PublishReport& report() const { return report_; }
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  [[nodiscard]] Status attempt(Client& client, SteadyTime deadline);
  [[nodiscard]] Status delete_it(Client& client, SteadyTime deadline);
  [[nodiscard]] Status create_it(Client& client, SteadyTime deadline);
  [[nodiscard]] Status update_it(Client& client, SteadyTime deadline);
  [[nodiscard]] Status written(Client& client, SteadyTime deadline, const Response& response);
  [[nodiscard]] Status finish(Client& client, SteadyTime deadline, const Object& kept);
  [[nodiscard]] Result<bool> is_ours(Client& client, SteadyTime deadline);
  void is_now(std::optional<Object> object);

  std::optional<Object> before_;
  std::optional<Object> after_;
  std::optional<Object> now_;
  bool now_written_ = false;
  bool recreate_ = false;
  bool gone_ = false;  // deleted by us, to be made again
  PublishReport report_;
  Status status_;
};

}  // namespace conntruth::kube
