#include "tests/lab/agent/bench.hpp"

#include <algorithm>

namespace conntruth {

void PrintTo(const Sample& sample, std::ostream* out) {
  *out << task_of(sample.id) << "/" << sequence_of(sample.id) << " " << to_string(sample.outcome) << " by "
       << sample.responder << " source " << sample.seen_source.to_string() << " destination "
       << sample.seen_destination.to_string() << " refusal " << static_cast<int>(sample.refusal.kind) << " "
       << static_cast<int>(sample.refusal.icmp_type) << "/" << static_cast<int>(sample.refusal.icmp_code) << " from "
       << sample.refusal.from.to_string() << " port " << sample.source_port << " " << sample.error;
}

namespace tests {

namespace {
constexpr std::chrono::seconds kPatience{60};
}

std::size_t count(const std::vector<Sample>& samples, Outcome outcome) {
  return static_cast<std::size_t>(std::ranges::count(samples, outcome, &Sample::outcome));
}

void Collector::samples(std::uint64_t assignment, std::vector<Sample> batch) {
  const std::lock_guard lock(mutex_);
  auto& all = samples_[assignment];
  all.insert(all.end(), batch.begin(), batch.end());
}

void Collector::task_finished(std::uint64_t /*assignment*/, std::uint32_t /*task*/) {}

void Collector::assignment_finished(std::uint64_t assignment) {
  const std::lock_guard lock(mutex_);
  EXPECT_FALSE(std::exchange(finished_[assignment], true)) << "finished twice";
  changed_.notify_all();
}

void Collector::sights(std::vector<Sight> batch) {
  const std::lock_guard lock(mutex_);
  sights_.insert(sights_.end(), batch.begin(), batch.end());
  changed_.notify_all();
}

std::vector<Sample> Collector::wait(std::uint64_t assignment) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return finished_[assignment]; })) << "assignment did not end";
  auto result = samples_[assignment];
  std::ranges::sort(result, {}, &Sample::id);
  EXPECT_EQ(std::ranges::adjacent_find(result, {}, &Sample::id), result.end()) << "a probe ended twice";
  return result;
}

std::vector<Sight> Collector::wait_for_sights(std::size_t wanted) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return sights_.size() >= wanted; });
  return sights_;
}

void AgentTest::SetUp() {
  if (!is_root()) GTEST_SKIP() << "needs root: makes network namespaces";
  network = std::make_unique<Network>();
}

void AgentTest::begin(std::uint32_t budget) {
  const std::map<NamespaceName, std::string> places{{"client", network->client.path()},
                                                    {"server", network->server.path()}};
  responders = std::make_unique<respond::Responders>(respond::RespondersOptions{places}, collector);
  ASSERT_TRUE(responders->start());
  auto id = kResponder;
  for (const auto protocol : {Protocol::kUdp, Protocol::kTcp, Protocol::kSctp}) {
    const auto added = responders->add({.id = id++, .place = "server", .protocol = protocol, .port = kPort});
    ASSERT_TRUE(added) << added.error().message;
  }
  probe::EngineOptions options;
  options.budget = budget;
  options.places = places;
  options.guard_sctp = [this](const NamespaceName& place) { return responders->guard_sctp(place); };
  engine = std::make_unique<probe::Engine>(options, collector);
  ASSERT_TRUE(engine->start());
}

std::vector<Sample> AgentTest::probe(const std::vector<ProbeTask>& tasks) {
  engine->submit({.id = ++assignment, .responders = {}, .drop_responders = {}, .tasks = tasks});
  return collector.wait(assignment);
}

ProbeTask AgentTest::task(Method method, Family family, std::uint32_t count) {
  ProbeTask result;
  result.id = static_cast<std::uint32_t>(method) * 10 + static_cast<std::uint32_t>(family);
  result.place = "client";
  result.target = {*IpAddress::parse(family == Family::kIpv4 ? "10.2.0.2" : "fd02::2"), kPort};
  result.method = method;
  result.count = count;
  result.timeout = std::chrono::milliseconds(5000);
  return result;
}

std::uint32_t AgentTest::responder_of(Method method) {
  switch (protocol_of(method)) {
    case Protocol::kUdp:
      return kResponder;
    case Protocol::kTcp:
      return kResponder + 1;
    case Protocol::kSctp:
      return kResponder + 2;
  }
  return 0;
}

std::uint64_t AgentTest::loss(const std::string& name) const {
  std::uint64_t total = 0;
  for (const auto& counters : {engine->losses(), responders->losses()}) {
    for (const auto& counter : counters) total += counter.name == name ? counter.count : 0;
  }
  return total;
}

}  // namespace tests
}  // namespace conntruth
