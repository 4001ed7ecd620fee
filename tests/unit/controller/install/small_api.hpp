#pragma once
// An API server that keeps whatever objects it is given, by their paths, and refuses what it is told to.

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "kube/client.hpp"
#include "tests/support/loopback_access.hpp"
#include "tests/support/scripted_server.hpp"

namespace conntruth::install {

class SmallApi {
 public:
  SmallApi() : server_([this](const tests::ServedRequest& request) { return answer(request); }) {}

  [[nodiscard]] std::unique_ptr<kube::Client> client() const {
    kube::ClientOptions options;
    options.timeout = std::chrono::seconds(20);
    return *kube::Client::make(tests::loopback_access(server_.port()), options);
  }

  // Paths of objects, or beginnings of them, whose writing is refused.
  std::set<std::string> refused;
  // "VERB RESOURCE" that SelfSubjectAccessReviews say no to.
  std::set<std::string> denied;
  // Of GETs on exactly these paths.
  std::map<std::string, std::string> given;
  // Deletions that do not come to an end.
  bool stuck = false;

  [[nodiscard]] std::vector<std::string> paths() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> result;
    for (const auto& [path, object] : objects_) result.push_back(path);
    return result;
  }
  [[nodiscard]] std::vector<tests::ServedRequest> requests() const { return server_.requests(); }

 private:
  tests::Answer answer(const tests::ServedRequest& request);
  tests::Answer review(const std::string& body) const;
  tests::Answer apply(const std::string& path, const std::string& body);

  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;  // JSON by path
  tests::ScriptedServer server_;
};

}  // namespace conntruth::install
