#pragma once
// A real kube-apiserver with its etcd, in a network namespace of their own, for one test program.

#include <memory>
#include <string>

#include "common/result.hpp"
#include "kube/client.hpp"
#include "tests/support/process.hpp"

namespace conntruth::kube {

class ApiServer {
 public:
  // kNotFound where the programs were not built; comes back when the server is ready.
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start();
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  [[nodiscard]] std::unique_ptr<Client> client(const std::string& token = "admin") const;

 private:
  ApiServer() = default;
  [[nodiscard]] Status prepare();
  [[nodiscard]] Status await() const;

  std::string folder_;
  std::string name_;
  std::string ca_;
  std::unique_ptr<support::Process> etcd_;
  std::unique_ptr<support::Process> server_;
};

}  // namespace conntruth::kube
