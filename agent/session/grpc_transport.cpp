// The gRPC side of the session: one reactor per stream. Only this file of the agent sees gRPC.
//
// Rules of the callback API that shape it: one read and one write in flight; a hold for as long as writes may start
// from outside of reactions; reads go on until they fail, else the end is never seen; the channel dies on our own
// thread, never in a reaction. Messages pass as raw bytes: common/codec is the only place that knows what is in them.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "agent/session/transport.hpp"
#include "common/codec/session_codec.hpp"

namespace conntruth::session {

namespace {

constexpr auto kMethod = "/conntruth.v1.AgentSessions/Session";

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const auto& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

class GrpcLink : public Link, private grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  GrpcLink(grpc::GenericStub& stub, LinkEvents& events) : events_(events) {
    stub.PrepareBidiStreamingCall(&context_, kMethod, {}, this);
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  // Cancels what is left and waits for OnDone, after which the library does not touch this object.
  ~GrpcLink() override {
    std::unique_lock lock(mutex_);
    if (!done_) context_.TryCancel();
    release_hold();
    ended_.wait(lock, [this] { return done_; });
  }

  void send(std::string bytes) override {
    const std::lock_guard lock(mutex_);
    if (!holding_) return;
    unsent_.push_back(std::move(bytes));
    write_next();
  }

 private:
  void OnReadDone(bool ok) override {
    if (ok) {
      events_.message(bytes_of(incoming_));
      StartRead(&incoming_);
      return;
    }
    const std::lock_guard lock(mutex_);
    release_hold();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (ok && holding_) write_next();
  }

  void OnDone(const grpc::Status& status) override {
    events_.closed(status.ok() ? "the controller ended the stream" : status.error_message());
    const std::lock_guard lock(mutex_);
    done_ = true;
    ended_.notify_all();
  }

  // Both with the lock held.
  void write_next() {
    if (writing_ || unsent_.empty()) return;
    const grpc::Slice slice(unsent_.front());
    outgoing_ = grpc::ByteBuffer(&slice, 1);
    unsent_.pop_front();
    writing_ = true;
    StartWrite(&outgoing_);
  }
  void release_hold() {
    if (!holding_) return;
    holding_ = false;
    RemoveHold();
  }

  LinkEvents& events_;
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_;  // of the one read
  grpc::ByteBuffer outgoing_;  // of the one write

  std::mutex mutex_;
  std::condition_variable ended_;
  std::deque<std::string> unsent_;
  bool writing_ = false;
  bool holding_ = true;  // writes may start
  bool done_ = false;
};

class GrpcTransport : public Transport {
 public:
  explicit GrpcTransport(const std::string& target) : stub_(make_channel(target)) {}
  [[nodiscard]] std::unique_ptr<Link> connect(LinkEvents& events) override {
    return std::make_unique<GrpcLink>(stub_, events);
  }

 private:
  static std::shared_ptr<grpc::Channel> make_channel(const std::string& target) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(static_cast<int>(codec::kMaxMessageBytes));
    // The session has a back-off of its own; the channel's must not be slower.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // A web proxy from the environment is not for us.
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  }

  grpc::GenericStub stub_;
};

}  // namespace

std::unique_ptr<Transport> make_grpc_transport(const std::string& target) {
  return std::make_unique<GrpcTransport>(target);
}

}  // namespace conntruth::session
