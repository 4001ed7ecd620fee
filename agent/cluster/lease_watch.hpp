#pragma once
// One connection's view of the controller's Lease: an API client and a reflector on it, and how they fare.
// Threading: handlers are called on the reflector's thread.

#include <functional>
#include <memory>
#include <string>

#include "kube/client.hpp"
#include "kube/reflector.hpp"

namespace conntruth::agent {

class LeaseWatch {
 public:
  struct Handlers {
    std::function<void(std::string_view lease)> on_lease;  // as JSON; it is new or changed
    std::function<void()> on_gone;                         // deleted, or not there when looked for
    std::function<void()> on_well;                         // the API has answered
    std::function<void(const Error&)> on_trouble;
  };

  LeaseWatch(std::unique_ptr<kube::Client> client, const std::string& namespace_name, Handlers handlers);
  ~LeaseWatch();
  LeaseWatch(const LeaseWatch&) = delete;
  LeaseWatch& operator=(const LeaseWatch&) = delete;

  [[nodiscard]] kube::Client& client() { return *client_; }

 private:
  void event(const kube::ObjectEvent& event);

  std::unique_ptr<kube::Client> client_;
  const std::string key_;
  const Handlers handlers_;
  bool there_ = false;  // of the reflector's thread
  kube::Reflector reflector_;
};

}  // namespace conntruth::agent
