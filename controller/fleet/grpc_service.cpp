// The gRPC side of the fleet: one reactor per agent stream, and the server. Only this file of the room sees gRPC.
//
// Rules of the callback API that shape it: one read and one write in flight per stream; Finish exactly once, never with
// a write outstanding, nothing after it; OnDone is the last call; Shutdown may hang while a stream is unfinished.
// Messages pass as raw bytes: common/codec is the only place that knows what is in them.
#include <conntruth/v1/session_service.grpc.pb.h>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>

#include "common/codec/session_codec.hpp"
#include "controller/fleet/listener.hpp"
#include "controller/fleet/unix_socket.hpp"

namespace conntruth::fleet {

namespace {

// More than this many unsent messages: the agent does not read.
constexpr std::size_t kMaxUnsent = 4096;
constexpr std::chrono::seconds kPoliteEnd{2};
constexpr std::chrono::seconds kForcedEnd{5};

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const auto& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

Result<std::string> read_pem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail_errno("open " + path, errno);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!text.contains("-----BEGIN ")) return fail(ErrorCode::kInvalidInput, path + " holds nothing in PEM");
  return text;
}

std::string bearer_of(const grpc::CallbackServerContext& context) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return {};
  const std::string_view value(found->second.data(), found->second.size());
  return value.starts_with(kScheme) ? std::string(value.substr(kScheme.size())) : std::string();
}

// The credentials of a listener: TLS with our certificate, asking none of the agent, whose token says who it is.
Result<std::shared_ptr<grpc::ServerCredentials>> credentials_of(const std::string& target,
                                                                const ListenSecurity& security) {
  if (unix_path(target)) return grpc::InsecureServerCredentials();
  if (security.certificate_file.empty()) {
    if (security.plaintext_lab) return grpc::InsecureServerCredentials();
    return fail(ErrorCode::kInvalidInput,
                "agents are not listened for on TCP without TLS; give a certificate and its key");
  }
  auto certificate = read_pem(security.certificate_file);
  if (!certificate) return std::unexpected(certificate.error().in("certificate"));
  auto key = read_pem(security.key_file);
  if (!key) return std::unexpected(key.error().in("key of the certificate"));
  grpc::SslServerCredentialsOptions options(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  options.pem_key_cert_pairs.push_back({std::move(*key), std::move(*certificate)});
  return grpc::SslServerCredentials(options);
}

class Stream;

// The streams that are not done yet.
class Streams {
 public:
  void add(const std::shared_ptr<Stream>& stream) {
    const std::lock_guard lock(mutex_);
    all_.insert(stream);
  }
  void remove(const std::shared_ptr<Stream>& stream) {
    const std::lock_guard lock(mutex_);
    all_.erase(stream);
    if (all_.empty()) empty_.notify_all();
  }
  [[nodiscard]] std::vector<std::shared_ptr<Stream>> snapshot() const {
    const std::lock_guard lock(mutex_);
    return {all_.begin(), all_.end()};
  }
  [[nodiscard]] bool wait_empty(std::chrono::milliseconds bound) {
    std::unique_lock lock(mutex_);
    return empty_.wait_for(lock, bound, [this] { return all_.empty(); });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::set<std::shared_ptr<Stream>> all_;
};

class Stream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>, public Connection {
 public:
  Stream(grpc::CallbackServerContext* context, ConnectionEvents& events, Streams& streams)
      : context_(context), token_(bearer_of(*context)), events_(events), streams_(streams) {}

  [[nodiscard]] std::string token() const override { return token_; }

  // It owns itself until OnDone; the fleet may hold it longer.
  void start(std::shared_ptr<Stream> self) {
    self_ = std::move(self);
    streams_.add(self_);
    StartRead(&incoming_);
  }

  void send(std::string bytes) override {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    if (unsent_.size() >= kMaxUnsent) {
      ending_ = true;
      context_->TryCancel();
      return;
    }
    unsent_.push_back(std::move(bytes));
    go_on();
  }

  void finish() override {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    go_on();
  }

  void resume_reading() override {
    const std::lock_guard lock(mutex_);
    resume_early_ = !paused_;
    if (!paused_ || finished_) return;
    paused_ = false;
    StartRead(&incoming_);
  }

  // For a peer that does not let a write end.
  void cancel() {
    const std::lock_guard lock(mutex_);
    if (!done_) context_->TryCancel();
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return finish();
    const bool read_on = events_.message(self_, bytes_of(incoming_));
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    if (!read_on && !resume_early_) {
      paused_ = true;
      return;
    }
    resume_early_ = false;
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) {
      ending_ = true;
      unsent_.clear();
    }
    go_on();
  }

  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    cancelled_ = true;
    unsent_.clear();
    go_on();
  }

  void OnDone() override {
    const auto self = std::move(self_);
    {
      const std::lock_guard lock(mutex_);
      ending_ = finished_ = done_ = true;
    }
    events_.closed(self, cancelled_ ? "connection broken or cancelled" : "stream ended");
    streams_.remove(self);
  }

  // With the lock held: the next write, or the end once nothing is left to write.
  void go_on() {
    if (writing_ || finished_) return;
    if (!unsent_.empty()) {
      const grpc::Slice slice(unsent_.front());
      outgoing_ = grpc::ByteBuffer(&slice, 1);
      unsent_.pop_front();
      writing_ = true;
      StartWrite(&outgoing_);
    } else if (ending_) {
      finished_ = true;
      Finish(grpc::Status::OK);
    }
  }

  grpc::CallbackServerContext* context_;  // valid until OnDone
  const std::string token_;
  ConnectionEvents& events_;
  Streams& streams_;
  std::shared_ptr<Stream> self_;
  grpc::ByteBuffer incoming_;  // of the one read
  grpc::ByteBuffer outgoing_;  // of the one write

  std::mutex mutex_;
  std::deque<std::string> unsent_;
  bool writing_ = false;
  bool paused_ = false;        // no read in flight, by the fleet's wish
  bool resume_early_ = false;  // resumed before the pause was noted
  bool ending_ = false;        // nothing more is taken to send
  bool finished_ = false;      // Finish was called
  bool cancelled_ = false;
  bool done_ = false;
};

using RawService = v1::AgentSessions::WithRawCallbackMethod_Session<v1::AgentSessions::Service>;

class Service : public RawService {
 public:
  Service(ConnectionEvents& events, Streams& streams) : events_(events), streams_(streams) {}
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Session(grpc::CallbackServerContext* context) override {
    auto stream = std::make_shared<Stream>(context, events_, streams_);
    stream->start(stream);
    return stream.get();
  }

 private:
  ConnectionEvents& events_;
  Streams& streams_;
};

class GrpcListener : public Listener {
 public:
  explicit GrpcListener(ConnectionEvents& events) : service_(events, streams_) {}
  ~GrpcListener() override { shutdown(); }

  [[nodiscard]] Status start(const std::string& target, const ListenSecurity& security) {
    const auto credentials = credentials_of(target, security);
    if (!credentials) return std::unexpected(credentials.error());
    const auto path = unix_path(target);
    if (path) {
      if (auto usable = check_unix_path(*path); !usable) return usable;
    }
    grpc::ServerBuilder builder;
    builder.AddListeningPort(target, *credentials);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(static_cast<int>(codec::kMaxMessageBytes));
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (!server_) {
      return fail(ErrorCode::kConflict,
                  path || security.certificate_file.empty()
                      ? "cannot listen: the address is taken or not ours, or the path's folder is missing"
                      : fmt::format("cannot listen: the address is taken or not ours, or {} and {} are no certificate "
                                    "and its key",
                                    security.certificate_file, security.key_file));
    }
    return path ? restrict_unix_socket(*path) : Status();
  }

  void shutdown() override {
    if (!server_) return;
    for (const auto& stream : streams_.snapshot()) stream->finish();
    if (!streams_.wait_empty(kPoliteEnd)) {
      for (const auto& stream : streams_.snapshot()) stream->cancel();
      static_cast<void>(streams_.wait_empty(kForcedEnd));
    }
    // Not at once: that would close connections over the last words of their streams.
    server_->Shutdown(std::chrono::system_clock::now() + kPoliteEnd);
    server_->Wait();
    server_.reset();
  }

 private:
  Streams streams_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Listener>> listen_grpc(const std::string& target, const ListenSecurity& security,
                                              ConnectionEvents& events) {
  auto listener = std::make_unique<GrpcListener>(events);
  if (auto started = listener->start(target, security); !started) return std::unexpected(started.error());
  return listener;
}

}  // namespace conntruth::fleet
