#include "controller/fleet/fleet.hpp"

#include "controller/fleet/fleet_core.hpp"

namespace conntruth::fleet {

namespace {

Fleet::ListenerFactory default_factory(const ListenSecurity& security) {
#ifdef CONNTRUTH_HAS_GRPC
  return
      [security](const std::string& target, ConnectionEvents& events) { return listen_grpc(target, security, events); };
#else
  static_cast<void>(security);
  return [](const std::string&, ConnectionEvents&) -> Result<std::unique_ptr<Listener> > {
    return fail(ErrorCode::kUnsupported, "this build has no gRPC; configure with -DCONNTRUTH_GRPC=ON");
  };
#endif
}

}  // namespace

Fleet::Fleet(FleetOptions options) : Fleet(options, default_factory(options.security)) {}
Fleet::Fleet(FleetOptions options, ListenerFactory factory)
    : core_(std::make_unique<Core>(std::move(options), std::move(factory))) {}
Fleet::~Fleet() = default;

Status Fleet::listen(const std::string& target) { return core_->listen(target); }
void Fleet::wake() { core_->wake(); }
std::optional<Event> Fleet::next(TimePoint deadline) { return core_->next(deadline); }
Status Fleet::assign(const std::string& agent, const Assignment& assignment) {
  return core_->assign(agent, assignment);
}
void Fleet::acknowledge(const std::string& agent, std::uint64_t sequence) { core_->acknowledge(agent, sequence); }
void Fleet::stop(const std::string& reason) { core_->stop(reason); }
std::vector<std::string> Fleet::agents() const { return core_->agents(); }
FleetCounters Fleet::counters() const { return core_->counters(); }
std::map<std::string, std::string> Fleet::refusals() const { return core_->refusals(); }

}  // namespace conntruth::fleet
