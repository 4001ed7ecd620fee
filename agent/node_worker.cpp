#include "agent/node_worker.hpp"

namespace conntruth::agent {

NodeWorker::NodeWorker(std::map<NamespaceName, std::string> places, Pace pace, session::ResultSink& sink,
                       FindPlace find)
    : places_(std::move(places)), pace_(pace), sink_(sink), find_(std::move(find)) {}

NodeWorker::~NodeWorker() { abandon(); }

Status NodeWorker::carry_out(const Assignment& assignment) {
  if (auto started = start(); !started) return started;
  for (const auto id : assignment.drop_responders) responders_->remove(id);
  if (auto added = add_places(assignment.places); !added) return added;
  if (auto added = add_responders(assignment.responders); !added) return added;
  if (auto ordered = order_walk(assignment); !ordered) {
    for (const auto& spec : assignment.responders) responders_->remove(spec.id);
    return ordered;
  }
  for (const auto& question : assignment.questions) foreign_ended(question);
  engine_->submit(assignment);
  return {};
}

void NodeWorker::abandon() {
  if (watch_) watch_->detach();
  past_losses_ = running_losses();
  watch_.reset();
  engine_.reset();  // first: it calls the responders' guard
  responders_.reset();
  found_.clear();
}

std::vector<LossCounter> NodeWorker::losses() const {
  std::vector<LossCounter> losses;
  for (const auto& [name, count] : running_losses()) losses.push_back({name, count});
  return losses;
}

Status NodeWorker::start() {
  if (engine_) return {};
  // Here, as threads of places are in namespaces of their own.
  if (auto opened = observe::Conntrack::open("")) {
    const std::lock_guard lock(conntrack_mutex_);
    conntrack_.emplace(std::move(*opened));
  }
  respond::SightSink& sights_here = *this;
  probe::Sink& samples_here = *this;
  auto responders = std::make_unique<respond::Responders>(respond::RespondersOptions{.places = places_}, sights_here);
  if (auto started = responders->start(); !started) return started;
  probe::EngineOptions options;
  options.places = places_;
  options.budget = pace_.budget;
  options.awaited = pace_.awaited;
  options.guard_sctp = [answering = responders.get()](const NamespaceName& place) {
    return answering->guard_sctp(place);
  };
  auto engine = std::make_unique<probe::Engine>(std::move(options), samples_here);
  if (auto started = engine->start(); !started) return started;
  responders_ = std::move(responders);
  engine_ = std::move(engine);
  return {};
}

Status NodeWorker::add_places(const std::vector<PodPlace>& wanted) {
  for (const auto& each : wanted) {
    if (places_.contains(each.name) || found_.contains(each.name)) continue;
    if (!find_) return fail(ErrorCode::kUnsupported, "place " + each.name + ": this agent knows no pods but its own");
    auto found = find_(each);
    if (!found) return std::unexpected(found.error());
    const auto& kept = found_.emplace(each.name, std::move(*found)).first->second;
    if (auto added = responders_->add_place(each.name, kept.path); !added) return added;
    engine_->add_place(each.name, kept.path);
  }
  return {};
}

Status NodeWorker::add_responders(const std::vector<ResponderSpec>& specs) {
  for (auto spec = specs.begin(); spec != specs.end(); ++spec) {
    auto added = responders_->add(*spec);
    if (added) continue;
    for (auto undo = specs.begin(); undo != spec; ++undo) responders_->remove(undo->id);
    return added;
  }
  return {};
}

Status NodeWorker::order_walk(const Assignment& assignment) {
  switch (assignment.walk) {
    case WalkOrder::kUnchanged:
      return {};
    case WalkOrder::kStart:
      stop_walk();
      return start_walk(assignment.id);
    case WalkOrder::kStop:
      stop_walk();
      return {};
  }
  return {};
}

Status NodeWorker::start_walk(std::uint64_t assignment) {
  auto places = places_;
  for (const auto& [name, found] : found_) places.emplace(name, found.path);
  std::vector<std::string> notes;
  auto watch = WitnessWatch::start(std::move(places), symbols_, sink_, notes);
  if (!watch) return std::unexpected(watch.error());
  watch_ = std::move(*watch);
  sink_.notes(assignment, std::move(notes));
  return {};
}

void NodeWorker::stop_walk() {
  if (!watch_) return;
  watch_->stop();
  watch_->add_losses(past_losses_);
  watch_.reset();
}

std::map<std::string, std::uint64_t> NodeWorker::running_losses() const {
  auto losses = past_losses_;
  const auto add = [&losses](const std::vector<LossCounter>& counters) {
    for (const auto& counter : counters) losses[counter.name] += counter.count;
  };
  if (engine_) add(engine_->losses());
  if (responders_) add(responders_->losses());
  if (watch_) watch_->add_losses(losses);
  losses["conntrack-dropped"] = conntrack_drops_.count();
  std::erase_if(losses, [](const auto& loss) { return loss.second == 0; });
  const std::lock_guard lock(conntrack_mutex_);
  if (conntrack_failures_ > 0) losses["conntrack-failed"] = conntrack_failures_;
  return losses;
}

std::optional<observe::ConntrackEntry> NodeWorker::look_up(const FlowQuestion& flow) {
  const std::lock_guard lock(conntrack_mutex_);
  if (conntrack_) {
    if (auto found = conntrack_->find({flow.protocol, flow.source, flow.destination})) return *found;
  }
  ++conntrack_failures_;
  return std::nullopt;
}

void NodeWorker::foreign_ended(const FlowQuestion& flow) {
  const auto entry = look_up(flow);
  if (!entry) return;
  sink_.sights({{.id = flow.id,
                 .responder = 0,
                 .source = entry->reply.destination,
                 .received_ns = clock_.now_ns(),
                 .destination = entry->reply.source}});
}

void NodeWorker::samples(std::uint64_t assignment, std::vector<Sample> batch) {
  sink_.samples(assignment, std::move(batch));
}
void NodeWorker::task_finished(std::uint64_t /*assignment*/, std::uint32_t /*task*/) {}
void NodeWorker::assignment_finished(std::uint64_t assignment) { sink_.finished(assignment, ""); }
void NodeWorker::assignment_quiet(std::uint64_t assignment) { sink_.quiet(assignment); }
bool NodeWorker::congested() const { return sink_.congested(); }
void NodeWorker::sights(std::vector<Sight> batch) { sink_.sights(std::move(batch)); }

}  // namespace conntruth::agent
