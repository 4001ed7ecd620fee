#include "kube/reflector.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "kube/api_error.hpp"
#include "kube/listing.hpp"
#include "kube/object_index.hpp"
#include "kube/watch_stream.hpp"

namespace conntruth::kube {
namespace {
constexpr unsigned kGoneStatus = 410;
}

class Reflector::Loop {
 public:
  Loop(Client& client, const Resource& resource, ReflectorOptions options, ReflectorHandlers handlers)
      : client_(client), resource_(resource), options_(std::move(options)), handlers_(std::move(handlers)) {}

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (stream_) stream_->interrupt();
    }
    client_.wake();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] ReflectorCounters counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
  }

 private:
  // Turns of listing and watching; one that brought nothing is followed by a wait that grows.
  void run() {
    while (!stopping()) {
      const auto turn = version_.empty() ? list() : watch();
      if (turn && fruitless_ == 0) continue;
      if (!turn && !stopping() && handlers_.on_trouble) handlers_.on_trouble(turn.error());
      const auto delay = std::max(client_.backoff().delay(fruitless_++), retry_after_);
      retry_after_ = {};
      if (!client_.wait(delay, [this] { return stopping(); })) return;
    }
  }

  Status list() {
    const ListVisitor visitor{[this] { index_.begin_list(); },
                              [this](const ObjectMeta& meta, std::string_view object) {
                                for (const auto kind : index_.listed(meta))
                                  deliver(kind, meta.key, meta.version, object);
                              }};
    const auto request = narrowed(kube::list(resource_, options_.namespace_name, options_.selector));
    const auto version =
        list_pages([this](const Request& page) { return fetch(page); }, request, options_.page, visitor, &refusal);
    if (!version) return std::unexpected(version.error());
    for (const auto& key : index_.end_list()) deliver(ObjectEvent::Kind::kDeleted, key, *version, {});
    version_ = *version;
    if (listed_) count(&ReflectorCounters::relists);
    listed_ = true;
    if (handlers_.on_synced) handlers_.on_synced();
    if (version_.empty()) return fail(ErrorCode::kInvalidInput, "list: no resourceVersion to watch from");
    return {};
  }

  Request narrowed(Request request) const {
    if (!options_.field_selector.empty()) request.query.emplace_back("fieldSelector", options_.field_selector);
    return request;
  }

  // One page, over a stream, so that stop() can end it.
  Result<Response> fetch(const Request& request) {
    auto response = open(request);
    if (!response || response->status >= 400) return response;
    const auto ended = drain(response->body);
    close();
    if (!ended) return std::unexpected(ended.error().in(fmt::format("list {}", resource_.plural)));
    return response;
  }

  Status drain(std::string& into) {
    while (true) {
      const auto more = stream_->read(into, options_.list_timeout);
      if (!more) return std::unexpected(more.error());
      if (!*more) return {};
    }
  }

  Status watch() {
    auto request = narrowed(kube::watch(resource_, options_.namespace_name, options_.selector, version_));
    request.query.emplace_back("timeoutSeconds", std::to_string(options_.server_timeout.count()));
    const auto head = open(request);
    if (!head) return std::unexpected(head.error());
    if (head->status == kGoneStatus) return gone();
    if (head->status >= 400) return std::unexpected(refusal(request, *head));
    count(&ReflectorCounters::watches);
    const auto ended = follow();
    close();
    return ended;
  }

  Status follow() {
    LineSplitter lines(options_.max_line);
    fruitless_ =
        std::max(fruitless_, 1U);  // until a line came: a server that ends each watch at once is not asked in a loop
    while (true) {
      const auto more = stream_->read(lines.input(), options_.idle);
      while (const auto line = lines.line()) {
        if (const auto handled = handle(*line); !handled || version_.empty()) return handled;
      }
      if (lines.too_long()) {
        count(&ReflectorCounters::long_lines);
        return start_over(
            fmt::format("watch {}: a line of more than {} bytes; listing again", resource_.plural, options_.max_line));
      }
      if (more && *more) continue;
      if (lines.half_line()) count(&ReflectorCounters::half_lines);
      if (more) return {};
      count(&ReflectorCounters::cuts);
      return std::unexpected(more.error().in(fmt::format("watch {}", resource_.plural)));
    }
  }

  Status handle(std::string_view text) {
    if (text.empty() || text == "\r") return {};
    const auto line = read_watch_line(text);
    if (!line) {
      count(&ReflectorCounters::bad_lines);
      return start_over(line.error().message + "; listing again");
    }
    if (line->type == WatchLine::Type::kError) {
      if (line->code == kGoneStatus) return gone();
      return start_over(fmt::format("watch {}: the server reports {}: {}; listing again", resource_.plural, line->code,
                                    status_message(line->object)));
    }
    fruitless_ = 0;
    version_ = line->meta.version;
    if (line->type == WatchLine::Type::kBookmark) return count(&ReflectorCounters::bookmarks), Status{};
    const auto kinds = index_.watched(line->type, line->meta);
    if (kinds.empty()) count(&ReflectorCounters::duplicates);
    for (const auto kind : kinds) deliver(kind, line->meta.key, line->meta.version, line->object);
    return {};
  }

  Status gone() {
    count(&ReflectorCounters::gone);
    version_.clear();
    return {};
  }
  Status start_over(std::string why) {
    version_.clear();
    return fail(ErrorCode::kUnavailable, std::move(why));
  }

  void deliver(ObjectEvent::Kind kind, const std::string& key, const std::string& version, std::string_view object) {
    count(&ReflectorCounters::events);
    if (handlers_.on_event) handlers_.on_event({kind, key, version, object});
  }

  // Where the status is below 400 there is a stream_ afterwards.
  Result<Response> open(const Request& request) {
    auto opened = client_.open_stream(request, client_.default_deadline());
    if (!opened) return std::unexpected(opened.error().in(fmt::format("{} {}", request.verb, resource_.plural)));
    retry_after_ = opened->refusal.retry_after;
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kUnavailable, "stopped");
    stream_ = std::move(opened->stream);
    return std::move(opened->refusal);
  }

  void close() {
    const std::lock_guard lock(mutex_);
    stream_.reset();
  }

  static Error refusal(const Request& request, const Response& response) {
    return api_error(request, response.status, response.body, "this kubeconfig or service account", {});
  }

  [[nodiscard]] bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }
  void count(std::uint64_t ReflectorCounters::* which) {
    const std::lock_guard lock(mutex_);
    ++(counters_.*which);
  }

  Client& client_;
  Resource resource_;
  ReflectorOptions options_;
  ReflectorHandlers handlers_;

  // Of the loop's thread.
  ObjectIndex index_;
  std::string version_;  // to watch from; "": list first
  bool listed_ = false;
  unsigned fruitless_ = 0;
  std::chrono::milliseconds retry_after_{0};

  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::unique_ptr<Stream> stream_;
  ReflectorCounters counters_;
  std::thread thread_;
};

Reflector::Reflector(Client& client, const Resource& resource, ReflectorOptions options, ReflectorHandlers handlers)
    : loop_(std::make_unique<Loop>(client, resource, std::move(options), std::move(handlers))) {}
Reflector::~Reflector() { loop_->stop(); }
void Reflector::start() { loop_->start(); }
void Reflector::stop() { loop_->stop(); }
ReflectorCounters Reflector::counters() const { return loop_->counters(); }

}  // namespace conntruth::kube
