#include "controller/kube/run_lease.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "controller/kube/world_objects.hpp"

namespace conntruth::kube {
namespace {

using Json = nlohmann::json;
using WallTime = std::chrono::system_clock::time_point;

// metav1.MicroTime.
std::string to_micro_time(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time - seconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     micros.count());
}

std::optional<WallTime> parse_micro_time(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr || text.back() != 'Z') return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

struct Found {
  std::string version;  // metadata.resourceVersion
  std::string holder;
  std::string renewed;  // as it is written
  std::optional<WallTime> ends;
};

Result<Found> read(const std::string& body) {
  const auto object = Json::parse(body, nullptr, false);
  try {
    const auto& spec = object.at("spec");
    Found found{object.at("metadata").at("resourceVersion"), spec.value("holderIdentity", ""),
                spec.value("renewTime", ""), std::nullopt};
    if (const auto renewed = parse_micro_time(found.renewed)) {
      found.ends = *renewed + std::chrono::seconds(spec.value("leaseDurationSeconds", 0));
    }
    return found;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("the server's Lease cannot be read: {}", error.what()));
  }
}

std::string body_of(const RunLeaseOptions& options, const std::string& version, WallTime now) {
  Json object = {{"apiVersion", "coordination.k8s.io/v1"},
                 {"kind", "Lease"},
                 {"metadata", {{"name", options.name}, {"namespace", options.namespace_name}}},
                 {"spec",
                  {{"holderIdentity", options.holder},
                   {"leaseDurationSeconds", options.duration.count()},
                   {"renewTime", to_micro_time(now)}}}};
  if (!options.labels.empty()) object["metadata"]["labels"] = options.labels;
  if (!options.annotations.empty()) object["metadata"]["annotations"] = options.annotations;
  if (!options.owner.empty()) object["metadata"]["ownerReferences"] = {Json::parse(options.owner, nullptr, false)};
  if (!version.empty()) object["metadata"]["resourceVersion"] = version;
  return object.dump();
}

Error taken(const RunLeaseOptions& options, const Found& found, WallTime now) {
  const auto left = found.ends ? std::chrono::ceil<std::chrono::seconds>(*found.ends - now).count() : 0;
  return {ErrorCode::kConflict,
          fmt::format("another run is going on in this cluster: \"{}\" holds the Lease {}/{}, renewed {}; wait for it, "
                      "or, if it is dead, for {} s until its Lease runs out",
                      found.holder, options.namespace_name, options.name, found.renewed, left)};
}

bool is_free(const RunLeaseOptions& options, const Found& found, WallTime now) {
  return options.take_over || found.holder.empty() || found.holder == options.holder || !found.ends ||
         *found.ends <= now;
}

}  // namespace

class RunLease::Renewal {
 public:
  Renewal(Client& client, RunLeaseOptions options) : client_(client), options_(std::move(options)) {}
  ~Renewal() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
    if (held()) give_back();
  }

  Status take() {
    // Not found: there is no such namespace yet, or the Lease went away between our reading and our writing.
    for (int attempt = 1;; ++attempt) {
      auto done = try_to_take();
      if (done || done.error().code != ErrorCode::kNotFound || attempt == kAttempts) return done;
      if (!options_.make_namespace) continue;
      if (auto made = make_namespace(); !made) return made;
    }
  }

  void start() {
    thread_ = std::thread([this] { renew_until_stopped(); });
  }

  [[nodiscard]] Status held() const {
    const std::lock_guard lock(mutex_);
    return held_;
  }

 private:
  static constexpr int kAttempts = 5;

  Status make_namespace() {
    auto request = create(kNamespaces, {}, options_.namespace_name, namespace_body(options_.namespace_name));
    request.repeatable = true;
    const auto made = client_.call(request);
    if (made || made.error().code == ErrorCode::kConflict) return {};
    return std::unexpected(made.error());
  }

  Status try_to_take() {
    const auto now = std::chrono::system_clock::now();
    const auto found = client_.call(get(kLeases, options_.namespace_name, options_.name));
    if (!found && found.error().code != ErrorCode::kNotFound) return std::unexpected(found.error());
    if (!found) {
      return write(create(kLeases, options_.namespace_name, options_.name, body_of(options_, "", now)));
    }
    const auto lease = read(found->body);
    if (!lease) return std::unexpected(lease.error());
    if (!is_free(options_, *lease, now)) return std::unexpected(taken(options_, *lease, now));
    return write(replace(kLeases, options_.namespace_name, options_.name, body_of(options_, lease->version, now)));
  }

  // 409: another run was faster.
  Status write(const Request& request) {
    const auto answer = client_.call(request);
    if (!answer) return std::unexpected(answer.error().in("take the Lease of the run"));
    const auto lease = read(answer->body);
    if (!lease) return std::unexpected(lease.error());
    version_ = lease->version;
    return {};
  }

  void renew_until_stopped() {
    auto last_success = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, options_.duration / 3, [this] { return stopping_; }) && held_) {
      lock.unlock();
      const auto renewed = renew();
      lock.lock();
      const auto now = std::chrono::steady_clock::now();
      if (renewed) {
        last_success = now;
      } else if (renewed.error().code == ErrorCode::kConflict || renewed.error().code == ErrorCode::kNotFound) {
        held_ =
            fail(ErrorCode::kConflict, fmt::format("the Lease {}/{} of this run was taken by another one or deleted",
                                                   options_.namespace_name, options_.name));
      } else if (now - last_success >= options_.duration) {
        held_ = fail(ErrorCode::kUnavailable, "the Lease of this run ran out: " + renewed.error().message);
      }
    }
  }

  // A try whose answer was lost may have been carried out: then the version moved on and the holder is still us.
  Status renew() {
    const auto now = std::chrono::system_clock::now();
    const auto put = [&] {
      return write(replace(kLeases, options_.namespace_name, options_.name, body_of(options_, version_, now)));
    };
    auto renewed = put();
    if (renewed || renewed.error().code != ErrorCode::kConflict) return renewed;
    const auto found = client_.call(get(kLeases, options_.namespace_name, options_.name));
    if (!found) return std::unexpected(found.error());
    const auto lease = read(found->body);
    if (!lease || lease->holder != options_.holder) return renewed;
    version_ = lease->version;
    return put();
  }

  // With our version, so that nobody else's is deleted. What is gone already was swept with its namespace.
  void give_back() {
    auto request = remove(kLeases, options_.namespace_name, options_.name);
    request.body =
        Json{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"preconditions", {{"resourceVersion", version_}}}}
            .dump();
    request.content_type = "application/json";
    static_cast<void>(client_.call(request));
  }

  Client& client_;
  const RunLeaseOptions options_;
  std::string version_;  // of the Lease as we wrote it last; renewing thread, then the destructor's
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  Status held_;
};

RunLease::RunLease(std::unique_ptr<Renewal> renewal) : renewal_(std::move(renewal)) {}
RunLease::~RunLease() = default;

Status RunLease::held() const { return renewal_->held(); }

Result<std::unique_ptr<RunLease>> RunLease::acquire(Client& client, RunLeaseOptions options) {
  auto renewal = std::make_unique<Renewal>(client, std::move(options));
  if (auto done = renewal->take(); !done) return std::unexpected(done.error());
  renewal->start();
  return std::unique_ptr<RunLease>(new RunLease(std::move(renewal)));
}

}  // namespace conntruth::kube
