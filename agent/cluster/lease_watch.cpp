#include "agent/cluster/lease_watch.hpp"

namespace conntruth::agent {

namespace {

constexpr auto kName = "conntruth-controller";

}  // namespace

LeaseWatch::LeaseWatch(std::unique_ptr<kube::Client> client, const std::string& namespace_name, Handlers handlers)
    : client_(std::move(client)),
      key_(namespace_name + "/" + kName),
      handlers_(std::move(handlers)),
      reflector_(*client_, kube::kLeases,
                 {.namespace_name = namespace_name, .field_selector = std::string("metadata.name=") + kName},
                 {[this](const kube::ObjectEvent& changed) { event(changed); },
                  [this] {
                    // Nobody tells a new reflector of what went while there was none.
                    if (!there_) handlers_.on_gone();
                    handlers_.on_well();
                  },
                  [this](const Error& error) { handlers_.on_trouble(error); }}) {
  reflector_.start();
}

LeaseWatch::~LeaseWatch() {
  client_->close();
  reflector_.stop();
}

void LeaseWatch::event(const kube::ObjectEvent& event) {
  if (event.key != key_) return;
  there_ = event.kind != kube::ObjectEvent::Kind::kDeleted;
  handlers_.on_well();
  if (there_) {
    handlers_.on_lease(event.object);
  } else {
    handlers_.on_gone();
  }
}

}  // namespace conntruth::agent
