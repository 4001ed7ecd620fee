#include "agent/observe/entry_watch.hpp"

#include <fmt/format.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <mutex>

#include "agent/io/clock.hpp"
#include "agent/io/netns.hpp"
#include "agent/io/socket.hpp"
#include "agent/observe/conntrack.hpp"
#include "agent/observe/entry_ledger.hpp"
#include "agent/observe/netlink_owner.hpp"

namespace conntruth::observe {

namespace {

constexpr std::size_t kDatagramBytes = 65'536;
constexpr auto kSwitch = "/proc/sys/net/netfilter/nf_conntrack_events";  // of the thread's network namespace
constexpr std::size_t kMostOwners = 64;

std::string named(const NamespaceName& place) { return place.empty() ? "the node" : place; }

bool switched_off() {
  std::ifstream file(kSwitch);
  int value = 1;
  return (file >> value) && value == 0;
}

Result<io::Fd> listen_to_events() {
  auto made = io::open_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  if (!made) return made;
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  if (bind(made->get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0)
    return fail_errno("bind to netfilter's netlink", errno);
  for (const int group : {NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY}) {
    if (auto joined =
            io::set_option(made->get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, "listen to connection tracking");
        !joined)
      return std::unexpected(joined.error());
  }
  io::enlarge_receive_buffer(made->get());
  return made;
}

struct Place {
  NamespaceName name;
  io::Fd events;
  Conntrack conntrack;
  EntryLedger ledger;
};

}  // namespace

struct EntryWatch::State {
  [[nodiscard]] Status add_place(const NamespaceName& name, const std::string& path);
  void drain(Place& place);
  // Of ports that had something deleted, while their processes may still be there.
  void find_owners(const EntryLedger& ledger);
  void list_again(Place& place);

  io::MonotonicClock clock;
  std::mutex mutex;  // guards the ledgers while drain() and saw() run
  std::vector<Place> places;
  std::map<NamespaceName, std::size_t> index;
  std::map<std::uint32_t, std::string> owners;
  std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(kDatagramBytes);
  std::vector<std::string> unavailable;
  std::atomic<std::uint64_t> lost = 0;
};

// First it listens, then it lists: what comes in between is told twice rather than never.
Status EntryWatch::State::add_place(const NamespaceName& name, const std::string& path) {
  io::Fd events;
  const auto listening = io::in_network_namespace(path, [&]() -> Status {
    auto made = listen_to_events();
    if (!made) return std::unexpected(made.error());
    events = std::move(*made);
    if (switched_off())
      unavailable.push_back(fmt::format(
          "connection tracking of {} tells no events: net.netfilter.nf_conntrack_events is 0", named(name)));
    return {};
  });
  if (!listening) return listening;
  auto conntrack = Conntrack::open(path);
  if (!conntrack) return std::unexpected(conntrack.error());
  Place place{name, std::move(events), std::move(*conntrack), EntryLedger()};
  if (auto listed = place.conntrack.dump([&](const auto& there) { place.ledger.before(there); }); !listed)
    return listed;
  place.ledger.before_is_known(clock.now_ns());
  index.emplace(name, places.size());
  places.push_back(std::move(place));
  return {};
}

void EntryWatch::State::drain(Place& place) {
  while (true) {
    const auto size = recv(place.events.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno != ENOBUFS) break;
    const std::lock_guard lock(mutex);
    if (size < 0) {  // the kernel had no room for some: how many it does not tell
      place.ledger.lose(1);
      continue;
    }
    const auto now = clock.now_ns();
    const auto read = read_conntrack_events(std::span(buffer).first(static_cast<std::size_t>(size)),
                                            [&](const auto& event) { place.ledger.take(event, now); });
    if (!read) place.ledger.lose(1);
    find_owners(place.ledger);
  }
}

void EntryWatch::State::find_owners(const EntryLedger& ledger) {
  for (const auto& [port, count] : ledger.deletions()) {
    if (owners.size() == kMostOwners) return;
    const auto [owner, is_new] = owners.try_emplace(port);
    if (is_new) owner->second = netfilter_socket_owner(port);
  }
}

void EntryWatch::State::list_again(Place& place) {
  const auto began = clock.now_ns();
  const auto listed = place.conntrack.dump([&](const auto& there) { place.ledger.after(there); });
  if (listed) {
    place.ledger.after_is_known(began);
  } else {
    unavailable.push_back(fmt::format("connection tracking of {}: {}", named(place.name), listed.error().message));
  }
}

EntryWatch::EntryWatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
EntryWatch::EntryWatch(EntryWatch&&) noexcept = default;
EntryWatch& EntryWatch::operator=(EntryWatch&&) noexcept = default;
EntryWatch::~EntryWatch() = default;

Result<EntryWatch> EntryWatch::attach(const std::map<NamespaceName, std::string>& places) {
  auto state = std::make_unique<State>();
  if (auto added = state->add_place("", ""); !added) {
    const auto& why = added.error();
    return fail(why.code, "entries of connection tracking are not followed here: " + why.message);
  }
  for (const auto& [name, path] : places) {
    if (name.empty()) continue;
    if (auto added = state->add_place(name, path); !added)
      state->unavailable.push_back(
          fmt::format("entries of connection tracking of {} are not followed: {}", name, added.error().message));
  }
  return EntryWatch(std::move(state));
}

std::vector<int> EntryWatch::fds() const {
  std::vector<int> all;
  for (const auto& place : state_->places) all.push_back(place.events.get());
  return all;
}

void EntryWatch::drain() {
  for (auto& place : state_->places) {
    state_->drain(place);
  }
}

void EntryWatch::saw(const std::vector<Hop>& hops) {
  const std::lock_guard lock(state_->mutex);
  for (const auto& hop : hops) {
    if (const auto place = state_->index.find(hop.place); place != state_->index.end())
      state_->places[place->second].ledger.want(hop);
  }
}

std::vector<EntryLife> EntryWatch::detach() {
  std::vector<EntryLife> all;
  for (auto& place : state_->places) {
    state_->list_again(place);
    state_->drain(place);
    place.events = io::Fd();
    for (auto& life : place.ledger.lives()) {
      life.place = place.name;
      if (const auto owner = state_->owners.find(life.remover); owner != state_->owners.end())
        life.remover_name = owner->second;
      all.push_back(std::move(life));
    }
    state_->lost += place.ledger.lost();
  }
  return all;
}

std::uint64_t EntryWatch::lost() const { return state_->lost; }
const std::vector<std::string>& EntryWatch::unavailable() const { return state_->unavailable; }

}  // namespace conntruth::observe
