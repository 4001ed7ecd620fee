#pragma once
// One session with one controller, from hello to end, with the work that it asks for.

#include <functional>
#include <memory>

#include "agent/app.hpp"
#include "agent/checked_work.hpp"
#include "agent/session/session.hpp"

namespace conntruth::agent {

class NodeRun {
 public:
  // `options.places` are there; `check` is asked whether they still are. Errors as of make_grpc_transport().
  [[nodiscard]] static Result<std::unique_ptr<NodeRun>> make(const AppOptions& options, CheckedWork::Check check = {});
  NodeRun(const AppOptions& options, std::unique_ptr<session::Transport> transport, CheckedWork::Check check);

  // Returns as Session::run() does. Once.
  [[nodiscard]] Status serve();
  void request_stop() { session_.request_stop(); }  // from any thread

 private:
  const AppOptions options_;
  std::unique_ptr<session::Transport> transport_;
  session::Session session_;
  CheckedWork work_;
};

}  // namespace conntruth::agent
