#include "agent/node_run.hpp"

#include <spdlog/spdlog.h>
#include <sys/utsname.h>

#include "agent/node_worker.hpp"
#include "agent/observe/conntrack.hpp"
#include "agent/observe/walk.hpp"
#include "common/model/dataplane.hpp"

namespace conntruth::agent {

namespace {

Hello make_hello(const AppOptions& options) {
  Hello hello;
  hello.node = options.node;
  hello.agent_version = CONNTRUTH_VERSION;
  hello.protocol_version = codec::kProtocolVersion;
  hello.capabilities = probe::Engine::capabilities();
  if (observe::answers()) hello.capabilities.emplace_back("conntrack");
  if (const auto walk = observe::PacketWalk::available()) {
    hello.capabilities.emplace_back("packet-walk");
  } else {
    hello.capabilities.push_back("no-packet-walk: " + walk.error().message);
  }
  if (!options.dataplane.empty()) hello.capabilities.push_back(std::string(kDataplaneWord) + options.dataplane);
  utsname system{};
  if (uname(&system) == 0) hello.kernel_release = system.release;
  for (const auto& [name, path] : options.places) hello.places.push_back(name);
  return hello;
}

session::SessionOptions make_session_options(const AppOptions& options) {
  session::SessionOptions session;
  session.hello = make_hello(options);
  session.give_up_after = options.give_up_after;
  session.log = [](const std::string& line) { spdlog::info("{}", line); };
  return session;
}

}  // namespace

Result<std::unique_ptr<NodeRun>> NodeRun::make(const AppOptions& options, CheckedWork::Check check) {
  auto transport = session::make_grpc_transport(options.controller, options.security);
  if (!transport) return std::unexpected(transport.error());
  return std::make_unique<NodeRun>(options, std::move(*transport), std::move(check));
}

NodeRun::NodeRun(const AppOptions& options, std::unique_ptr<session::Transport> transport, CheckedWork::Check check)
    : options_(options),
      transport_(std::move(transport)),
      session_(make_session_options(options_), *transport_),
      work_(session_.sink(), std::move(check)) {}

Status NodeRun::serve() {
  session::ResultSink& sink = work_;
  NodeWorker worker(options_.places, {options_.budget, options_.awaited}, sink, options_.find);
  work_.set_worker(worker);
  return session_.run(work_);
}

}  // namespace conntruth::agent
