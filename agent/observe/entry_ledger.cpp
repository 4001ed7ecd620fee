#include "agent/observe/entry_ledger.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>

namespace conntruth::observe {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kMostPorts = 1024;

FlowTuple reversed(const FlowTuple& tuple) { return {tuple.protocol, tuple.destination, tuple.source}; }

// A million entries have two with the same number with a chance of one in 10^7.
std::uint64_t key_of(const FlowTuple& original, std::uint16_t zone) {
  std::array<char, 48> bytes{};
  char* at = bytes.data();
  const auto put = [&at](const auto& value, std::size_t size) {
    std::memcpy(at, &value, size);
    at += size;
  };
  put(original.protocol, 1);
  put(zone, 2);
  for (const auto& socket : {original.source, original.destination}) {
    const auto address = socket.address.bytes();
    std::memcpy(at, address.data(), address.size());
    at += address.size();
    put(socket.port, 2);
  }
  return std::hash<std::string_view>()({bytes.data(), static_cast<std::size_t>(at - bytes.data())});
}

}  // namespace

std::size_t HashTuple::operator()(const FlowTuple& tuple) const noexcept { return key_of(tuple, 0); }

void EntryLedger::before(const ConntrackEvent& there) {
  const auto& entry = there.entry;
  prints_.push_back({key_of(entry.original, entry.zone),
                     {.status = entry.status, .timeout_s = static_cast<std::uint32_t>(entry.timeout.count())}});
}

void EntryLedger::before_is_known(std::int64_t at_ns) {
  std::ranges::sort(prints_, {}, &Print::key);
  before_ns_ = at_ns;
}

void EntryLedger::take(const ConntrackEvent& event, std::int64_t at_ns) {
  if (event.port != 0 && (deletions_.size() < kMostPorts || deletions_.contains(event.port))) ++deletions_[event.port];
  if (events_.size() == most_events_) return lose(1);
  events_.push_back({event, at_ns});
}

void EntryLedger::want(const Hop& hop) {
  // What refuses a probe, and an ICMP error, is a packet of no entry's tuple.
  if (hop.kind == HopKind::kIcmpError || hop.kind == HopKind::kReset || hop.icmp_type != 0) return;
  const FlowTuple packet{hop.protocol, hop.source, hop.destination};
  wanted_.insert(hop.answer ? reversed(packet) : packet);
  const auto& entry = hop.conntrack;
  if (entry.original_source.address.is_unspecified()) return;
  const FlowTuple original{hop.protocol, entry.original_source, entry.original_destination};
  wanted_.insert(original);
  hops_.insert_or_assign(original, entry);
}

bool EntryLedger::is_wanted(const ConntrackEntry& entry) const {
  return wanted_.contains(entry.original) || wanted_.contains(reversed(entry.reply));
}

void EntryLedger::after(const ConntrackEvent& there) {
  if (is_wanted(there.entry)) after_.push_back(there);
}

const EntryLedger::Known* EntryLedger::known_before(const FlowTuple& original, std::uint16_t zone) const {
  const auto key = key_of(original, zone);
  const auto found = std::ranges::lower_bound(prints_, key, {}, &Print::key);
  return found == prints_.end() || found->key != key ? nullptr : &found->known;
}

struct EntryLedger::Told {
  EntryLife life;
  std::int64_t until_ns = 0;  // it would expire then; 0 where that is not known
  bool over = false;
};

// Lives in the making, by original tuple and zone: one after the other.
class EntryLedger::Book {
 public:
  explicit Book(const EntryLedger& ledger) : ledger_(ledger) {}

  void take(const ConntrackEvent& event, std::int64_t at_ns) {
    if (event.change == ConntrackChange::kThere && ended_since(event.entry)) return;
    auto& told = event.change == ConntrackChange::kNew ? open(event.entry) : current(event.entry);
    note(event, at_ns, told);
    auto& life = told.life;
    switch (event.change) {
      case ConntrackChange::kNew:
        life.created_ns = at_ns;
        break;
      case ConntrackChange::kUpdated:
        life.updated_ns = at_ns;
        ++life.updates;
        break;
      case ConntrackChange::kDestroyed:
        life.destroyed_ns = at_ns;
        end(event.port, at_ns, told);
        break;
      case ConntrackChange::kThere:
        life.after = true;
    }
  }

  // That there was one before, and never a word of it again.
  void take_forgotten(const FlowTuple& original, const HopConntrack* seen) {
    const std::uint16_t zone = seen != nullptr ? seen->zone : 0;
    if (lives_.contains(Key(order(original), zone)) || ledger_.known_before(original, zone) == nullptr) return;
    ConntrackEntry entry{.original = original, .reply = {original.protocol, {}, {}}};
    entry.zone = zone;
    if (seen != nullptr) entry.reply = {original.protocol, seen->reply_source, seen->reply_destination};
    if (seen != nullptr) entry.mark = seen->mark;
    current(entry);
  }

  [[nodiscard]] std::vector<EntryLife> lives() {
    std::vector<EntryLife> all;
    for (auto& [key, lives] : lives_) {
      for (auto& told : lives) {
        auto& life = told.life;
        const bool began_before = std::max(life.created_ns, life.updated_ns) < ledger_.after_ns_;
        if (!told.over && !life.after && ledger_.after_known_ && began_before) life.end = EntryEnd::kUnseen;
        life.gaps = ledger_.lost_ > 0;
        all.push_back(life);
      }
    }
    return all;
  }

 private:
  using Order = std::tuple<Protocol, SocketAddress, SocketAddress>;
  using Key = std::pair<Order, std::uint16_t>;
  static Order order(const FlowTuple& tuple) { return {tuple.protocol, tuple.source, tuple.destination}; }

  Told& open(const ConntrackEntry& entry) {
    auto& lives = lives_[Key(order(entry.original), entry.zone)];
    auto& told = lives.emplace_back();
    auto& life = told.life;
    life.protocol = entry.original.protocol;
    life.original_source = entry.original.source;
    life.original_destination = entry.original.destination;
    life.reply_source = entry.reply.source;
    life.reply_destination = entry.reply.destination;
    life.zone = entry.zone;
    life.mark = entry.mark;
    return told;
  }

  // Whether it was still there when the kernel listed it, and its end was told afterwards.
  bool ended_since(const ConntrackEntry& entry) {
    const auto found = lives_.find(Key(order(entry.original), entry.zone));
    if (found == lives_.end() || !found->second.back().over) return false;
    auto& life = found->second.back().life;
    life.after |= life.id == entry.id;
    return life.id == entry.id;
  }

  // The one that goes on, or one whose beginning was not seen.
  Told& current(const ConntrackEntry& entry) {
    auto& lives = lives_[Key(order(entry.original), entry.zone)];
    if (!lives.empty() && !lives.back().over) return lives.back();
    const bool first = lives.empty();
    auto& told = open(entry);
    const auto* known = first ? ledger_.known_before(entry.original, entry.zone) : nullptr;
    if (known == nullptr) return told;
    told.life.before = true;
    told.life.status = known->status;
    told.life.timeout_s = known->timeout_s;
    told.until_ns = ledger_.before_ns_ + known->timeout_s * kSecond;
    return told;
  }

  static void note(const ConntrackEvent& event, std::int64_t at_ns, Told& told) {
    auto& life = told.life;
    const auto& entry = event.entry;
    life.id = entry.id;
    life.status |= entry.status;  // none of them is ever taken back
    life.mark = event.change == ConntrackChange::kDestroyed && entry.mark == 0 ? life.mark : entry.mark;
    if (!event.has_timeout) return;
    life.timeout_s = static_cast<std::uint32_t>(entry.timeout.count());
    told.until_ns = at_ns + life.timeout_s * kSecond;
  }

  // Seconds are the kernel's smallest, so that what is one before its time is not.
  static void end(std::uint32_t port, std::int64_t at_ns, Told& told) {
    told.over = true;
    told.life.remover = port;
    if (port != 0) {
      told.life.end = EntryEnd::kDeleted;
    } else {
      told.life.end = told.until_ns != 0 && at_ns < told.until_ns - kSecond ? EntryEnd::kByKernel : EntryEnd::kExpired;
    }
  }

  const EntryLedger& ledger_;
  std::map<Key, std::vector<Told>> lives_;
};

std::vector<EntryLife> EntryLedger::lives() const {
  Book book(*this);
  for (const auto& [event, at_ns] : events_) {
    if (is_wanted(event.entry)) book.take(event, at_ns);
  }
  for (const auto& there : after_) book.take(there, 0);
  if (after_known_) {
    for (const auto& tuple : wanted_) {
      const auto seen = hops_.find(tuple);
      book.take_forgotten(tuple, seen == hops_.end() ? nullptr : &seen->second);
    }
  }
  auto lives = book.lives();
  for (auto& life : lives) {
    const auto found = deletions_.find(life.remover);
    if (life.end == EntryEnd::kDeleted && found != deletions_.end()) life.others = found->second - 1;
  }
  return lives;
}

}  // namespace conntruth::observe
