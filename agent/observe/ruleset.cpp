#include "agent/observe/ruleset.hpp"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "agent/io/clock.hpp"
#include "agent/observe/nft_session.hpp"
#include "agent/observe/nft_thread.hpp"
#include "common/compress/compress.hpp"

namespace conntruth::observe {

namespace {

Ruleset empty_ruleset(const NamespaceName& name) {
  const io::MonotonicClock clock;
  const std::chrono::nanoseconds date = std::chrono::system_clock::now().time_since_epoch();
  return {
      .place = name, .at_ns = clock.now_ns(), .unix_ns = date.count(), .text_bytes = 0, .text_zstd = {}, .error = {}};
}

Ruleset read_ruleset(const NamespaceName& name, const std::string& path, NftThread& nft) {
  auto ruleset = empty_ruleset(name);
  const auto read = nft.run(path, [&]() -> Status {
    auto session = NftSession::open(NftSession::Shows::kEverything);
    if (!session) return std::unexpected(session.error());
    auto text = session->run("list ruleset");
    if (!text) return std::unexpected(text.error());
    put_text(std::move(*text), ruleset);
    return {};
  });
  if (!read) ruleset.error = read.error().message;
  return ruleset;
}

std::vector<Ruleset> read_all(const std::map<NamespaceName, std::string>& places) {
  NftThread nft;
  std::vector<Ruleset> all;
  all.push_back(read_ruleset("", "", nft));  // first: the thread is where it began
  for (const auto& [name, path] : places) {
    if (name.empty()) continue;
    auto ruleset = read_ruleset(name, path, nft);
    if (!ruleset.text_zstd.empty() || !ruleset.error.empty()) all.push_back(std::move(ruleset));
  }
  return all;
}

std::vector<Ruleset> none(const char* why) {
  auto ruleset = empty_ruleset("");
  ruleset.error = why;
  return {ruleset};
}

// What a reading that takes too long shares with whoever does not wait for it any more.
struct Reading {
  std::mutex mutex;
  std::condition_variable over;
  std::vector<Ruleset> all;
  bool done = false;
};

std::atomic<bool> is_reading = false;

}  // namespace

void put_text(std::string text, Ruleset& ruleset) {
  ruleset.text_bytes = text.size();
  if (text.size() > kMaxRulesetText) text.resize(text.rfind('\n', kMaxRulesetText - 1) + 1);
  if (text.empty()) return;
  ruleset.text_zstd = compress(text);
  if (ruleset.text_zstd.size() <= kMaxRulesetBytes) return;
  ruleset.error = fmt::format("{} bytes of rules are too many to send", ruleset.text_bytes);
  ruleset.text_zstd.clear();
}

// libnftables cannot be interrupted, so it has a thread that may be left to itself: the session must go on.
std::vector<Ruleset> read_rulesets(const std::map<NamespaceName, std::string>& places,
                                   std::chrono::milliseconds within) {
  if (is_reading.exchange(true)) return none("its rules are still being listed since the last time");
  const auto reading = std::make_shared<Reading>();
  std::thread([reading, places] {
    auto all = read_all(places);
    const std::lock_guard lock(reading->mutex);
    reading->all = std::move(all);
    reading->done = true;
    is_reading = false;
    reading->over.notify_all();
  }).detach();
  std::unique_lock lock(reading->mutex);
  if (!reading->over.wait_for(lock, within, [&] { return reading->done; }))
    return none("listing its rules takes too long");
  return std::move(reading->all);
}

}  // namespace conntruth::observe
