#include "kube/client.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "kube/api_error.hpp"
#include "kube/connection.hpp"
#include "kube/credentials.hpp"

namespace conntruth::kube {

std::chrono::milliseconds Backoff::delay(unsigned tries) const {
  const auto doubled = static_cast<double>(first.count()) * std::exp2(std::min(tries, 30U));
  const auto bounded = std::min(doubled, static_cast<double>(most.count()));
  return std::chrono::milliseconds(static_cast<std::int64_t>(bounded * (jitter ? 0.5 + jitter() / 2 : 1.0)));
}

namespace {

bool is_write(const Request& request) { return request.method != Method::kGet && request.method != Method::kDelete; }

bool worth_retrying(const Request& request, unsigned status) {
  if (status == 429 || status == 503) return true;  // refused before anything was done
  return request.repeatable && (status == 500 || status == 502 || status == 504);
}

struct Kept {
  std::unique_ptr<Connection> connection;
  std::uint64_t generation = 0;  // of the identity that it was opened with
  bool used = false;
};

// Connections that can be interrupted while somebody uses them.
class Registry {
 public:
  bool add(Connection& connection) {
    const std::lock_guard lock(mutex_);
    if (!closed_) used_.insert(&connection);
    return !closed_;
  }
  void remove(Connection& connection) {
    const std::lock_guard lock(mutex_);
    used_.erase(&connection);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto* connection : used_) connection->interrupt();
  }

 private:
  std::mutex mutex_;
  std::set<Connection*> used_;
  bool closed_ = false;
};

class OpenStream final : public Stream {
 public:
  OpenStream(std::unique_ptr<Connection> connection, std::shared_ptr<Registry> registry)
      : connection_(std::move(connection)), registry_(std::move(registry)) {}
  ~OpenStream() override { registry_->remove(*connection_); }
  Result<bool> read(std::string& into, std::chrono::milliseconds idle) override {
    return connection_->read(into, std::chrono::steady_clock::now() + idle);
  }
  void interrupt() override { connection_->interrupt(); }
  Connection& connection() { return *connection_; }

 private:
  std::unique_ptr<Connection> connection_;
  std::shared_ptr<Registry> registry_;
};

std::unexpected<Error> stopped() { return fail(ErrorCode::kUnavailable, "the client was closed"); }

class PooledClient final : public Client {
 public:
  PooledClient(Access access, ClientOptions options)
      : access_(std::move(access)), options_(std::move(options)), credentials_(access_) {
    if (!options_.now) options_.now = [] { return std::chrono::steady_clock::now(); };
    if (!options_.wall) options_.wall = [] { return std::chrono::system_clock::now(); };
  }

  Result<Response> call(const Request& request, SteadyTime deadline) override {
    auto response = exchange(request, deadline);
    if (response && response->status >= 400) return std::unexpected(refusal(request, *response));
    return response;
  }

  [[nodiscard]] Error refusal(const Request& request, const Response& response) const override {
    return api_error(request, response.status, response.body, access_.origin,
                     response.status == 401 || response.status == 403 ? credentials_.hint(options_.wall()) : "");
  }

  Result<Response> exchange(const Request& request, SteadyTime deadline) override {
    auto result = tries(request, deadline);
    ++requests_;
    if (!result) return std::unexpected(result.error().in(fmt::format("{} {}", request.verb, object_of(request))));
    bytes_ += result->body.size();
    return result;
  }

  std::vector<Result<Response>> batch(const std::vector<Request>& requests, SteadyTime deadline) override {
    std::vector<Result<Response>> results(requests.size());
    for_each(requests.size(), [&](std::size_t i) { results[i] = call(requests[i], deadline); });
    return results;
  }

  void for_each(std::size_t count, const std::function<void(std::size_t)>& work) override {
    std::atomic<std::size_t> next = 0;
    const auto worker = [&] {
      for (auto i = next++; i < count; i = next++) work(i);
    };
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(options_.connections, count); ++i) helpers.emplace_back(worker);
    worker();
  }

  Result<Opened> open_stream(const Request& request, SteadyTime deadline) override {
    const auto identity = credentials_.current(options_.now(), options_.wall(), deadline);
    if (!identity) return std::unexpected(identity.error());
    auto connection = open(*identity, deadline);
    if (!connection) return std::unexpected(connection.error());
    auto stream = std::make_unique<OpenStream>(std::move(*connection), registry_);
    auto& raw = stream->connection();
    if (!registry_->add(raw)) return stopped();
    ++requests_;
    auto head = raw.begin(http_request(request, *identity), deadline);
    if (!head) return std::unexpected(head.error());
    if (head->status == 401) (void)credentials_.refused(identity->generation);
    Opened opened;
    opened.refusal = {head->status, std::move(head->body), 0, head->retry_after.value_or(std::chrono::seconds(0))};
    if (head->status < 400) opened.stream = std::move(stream);
    return opened;
  }

  bool wait(std::chrono::milliseconds delay, const std::function<bool()>& stop) override {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, delay, [&] { return closed_ || (stop && stop()); });
  }
  void wake() override {
    {
      const std::lock_guard lock(mutex_);
    }
    changed_.notify_all();
  }
  void close() override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    registry_->close();
  }

  [[nodiscard]] SteadyTime default_deadline() const override { return deadline_in(options_.timeout); }
  [[nodiscard]] SteadyTime deadline_in(std::chrono::milliseconds timeout) const override {
    return options_.now() + timeout;
  }
  [[nodiscard]] ClientCounters counters() const override { return {requests_, retries_, throttled_, opened_, bytes_}; }
  [[nodiscard]] const Backoff& backoff() const override { return options_.backoff; }

 private:
  // One request until it has an answer worth giving back, or until its deadline.
  Result<Response> tries(const Request& request, SteadyTime deadline) {
    bool renewed = false;
    std::optional<HttpReply> refusal;
    for (unsigned count = 0;; ++count) {
      bool again = false;
      std::chrono::milliseconds delay = options_.backoff.delay(count);
      auto reply = attempt(request, deadline, renewed, again, delay);
      if (!again || options_.now() + delay >= deadline) {
        // What the server said before tells more than that the last try had no time left.
        if (!reply && again && refusal) reply = std::move(*refusal);
        if (!reply) return std::unexpected(reply.error());
        return Response{reply->status, std::move(reply->body), count,
                        reply->retry_after.value_or(std::chrono::seconds(0))};
      }
      ++retries_;
      if (reply) refusal = std::move(*reply);
      if (!wait(delay, {})) return stopped();
    }
  }

  Result<HttpReply> attempt(const Request& request, SteadyTime deadline, bool& renewed, bool& again,
                            std::chrono::milliseconds& delay) {
    const auto now = options_.now();
    const auto identity = credentials_.current(now, options_.wall(), deadline);
    if (!identity) return std::unexpected(identity.error());
    auto reply = once(request, *identity, std::min(deadline, now + options_.attempt), again, delay);
    if (!reply) return reply;
    if (reply->status == 429) ++throttled_;
    if (reply->status == 401 && !renewed && credentials_.refused(identity->generation)) {
      renewed = again = true;
      delay = {};
    } else if (worth_retrying(request, reply->status)) {
      again = true;
      if (reply->retry_after) delay = *reply->retry_after;
    }
    return reply;
  }

  // `again`: a failure that may be repeated; at once (`delay` 0) where a kept connection had been closed meanwhile.
  Result<HttpReply> once(const Request& request, const Identity& identity, SteadyTime deadline, bool& again,
                         std::chrono::milliseconds& delay) {
    auto kept = acquire(identity, deadline);
    if (!kept) {
      again = kept.error().code == ErrorCode::kUnavailable && !is_closed();
      return std::unexpected(kept.error());
    }
    if (!registry_->add(*kept->connection)) {
      release({});
      return stopped();
    }
    auto reply = kept->connection->exchange(http_request(request, identity), deadline);
    registry_->remove(*kept->connection);
    if (!reply) {
      const auto progress = kept->connection->progress();
      again = !is_closed() && (request.repeatable || progress == Progress::kNothingSent);
      if (kept->used && progress != Progress::kAnswered) delay = {};
      release({});
      return reply;
    }
    kept->used = true;
    release(reply->keep ? std::move(*kept) : Kept{});
    return reply;
  }

  HttpRequest http_request(const Request& request, const Identity& identity) const {
    auto full = request;
    if (is_write(request)) full.query.emplace_back("fieldManager", options_.field_manager);
    HttpRequest result{to_string(request.method), access_.path_prefix + target_of(full), {}, request.body};
    const auto host = access_.host.contains(':') ? "[" + access_.host + "]" : access_.host;
    result.headers = {{"Host", fmt::format("{}:{}", host, access_.port)},
                      {"User-Agent", options_.user_agent},
                      {"Accept", "application/json"}};
    result.headers.insert(result.headers.end(), request.headers.begin(), request.headers.end());
    if (!request.content_type.empty()) result.headers.emplace_back("Content-Type", request.content_type);
    if (!identity.token.empty()) result.headers.emplace_back("Authorization", "Bearer " + identity.token);
    return result;
  }

  Peer peer_of(const Identity& identity) const {
    return {access_.tls,
            access_.host,
            access_.port,
            access_.network_namespace,
            access_.tls_server_name.empty() ? access_.host : access_.tls_server_name,
            access_.ca_pem,
            access_.skip_tls_verify,
            identity.certificate_pem,
            identity.key_pem,
            options_.max_body};
  }

  Result<std::unique_ptr<Connection>> open(const Identity& identity, SteadyTime deadline) {
    auto connection = Connection::open(peer_of(identity), std::min(deadline, options_.now() + options_.attempt));
    if (!connection) return std::unexpected(connection.error().in(access_.origin));
    ++opened_;
    return connection;
  }

  // A place in the pool, with a kept connection or a new one.
  Result<Kept> acquire(const Identity& identity, SteadyTime deadline) {
    {
      std::unique_lock lock(mutex_);
      const auto free = [this] { return closed_ || in_use_ < options_.connections; };
      if (!changed_.wait_until(lock, deadline, free))
        return fail(ErrorCode::kUnavailable, "no connection of the pool became free in time");
      if (closed_) return stopped();
      ++in_use_;
      while (!idle_.empty()) {
        auto kept = std::move(idle_.back());
        idle_.pop_back();
        if (kept.generation == identity.generation || identity.certificate_pem.empty()) return kept;
      }
    }
    auto connection = open(identity, deadline);
    if (connection) return Kept{std::move(*connection), identity.generation, false};
    release({});
    return std::unexpected(connection.error());
  }

  void release(Kept kept) {
    {
      const std::lock_guard lock(mutex_);
      --in_use_;
      if (kept.connection && !closed_) idle_.push_back(std::move(kept));
    }
    changed_.notify_all();
  }

  bool is_closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  Access access_;
  ClientOptions options_;
  Credentials credentials_;
  std::shared_ptr<Registry> registry_ = std::make_shared<Registry>();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Kept> idle_;
  std::size_t in_use_ = 0;
  bool closed_ = false;

  std::atomic<std::uint64_t> requests_ = 0;
  std::atomic<std::uint64_t> retries_ = 0;
  std::atomic<std::uint64_t> throttled_ = 0;
  std::atomic<std::uint64_t> opened_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Client>> Client::make(Access access, ClientOptions options) {
  Peer peer;
  peer.ca_pem = access.ca_pem;
  peer.certificate_pem = access.client_certificate_pem;
  peer.key_pem = access.client_key_pem;
  if (access.tls) {
    if (const auto usable = Connection::check(peer); !usable) return std::unexpected(usable.error().in(access.origin));
  }
  if (options.connections == 0) options.connections = 1;
  return std::make_unique<PooledClient>(std::move(access), std::move(options));
}

}  // namespace conntruth::kube
