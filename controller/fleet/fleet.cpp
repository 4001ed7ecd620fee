#include "controller/fleet/fleet.hpp"

#include "controller/fleet/fleet_core.hpp"

namespace conntruth::fleet {

namespace {

Fleet::ListenerFactory default_factory() {
#ifdef CONNTRUTH_HAS_GRPC
  return listen_grpc;
#else
  return [](const std::string&, ConnectionEvents&) -> Result<std::unique_ptr<Listener> > {
    return fail(ErrorCode::kUnsupported, "this build has no gRPC; configure with -DCONNTRUTH_GRPC=ON");
  };
#endif
}

}  // namespace

Fleet::Fleet(FleetOptions options) : Fleet(std::move(options), default_factory()) {}
Fleet::Fleet(FleetOptions options, ListenerFactory factory)
    : core_(std::make_unique<Core>(std::move(options), std::move(factory))) {}
Fleet::~Fleet() = default;

Status Fleet::listen(const std::string& target) { return core_->listen(target); }
std::optional<Event> Fleet::next(TimePoint deadline) { return core_->next(deadline); }
Status Fleet::assign(const std::string& agent, const Assignment& assignment) {
  return core_->assign(agent, assignment);
}
void Fleet::acknowledge(const std::string& agent, std::uint64_t sequence) { core_->acknowledge(agent, sequence); }
void Fleet::stop(const std::string& reason) { core_->stop(reason); }
std::vector<std::string> Fleet::agents() const { return core_->agents(); }
FleetCounters Fleet::counters() const { return core_->counters(); }

}  // namespace conntruth::fleet
