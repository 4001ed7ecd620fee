// The gRPC side of the session: one reactor per stream. Only this file of the agent sees gRPC.
//
// Rules of the callback API that shape it: one read and one write in flight; a hold for as long as writes may start
// from outside of reactions; reads go on until they fail, else the end is never seen; the channel dies on our own
// thread, never in a reaction. Messages pass as raw bytes: common/codec is the only place that knows what is in them.
#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>

#include "agent/session/server_certificate.hpp"
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

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail_errno("open " + path, errno);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (text.ends_with('\n')) text.pop_back();
  if (text.empty()) return fail(ErrorCode::kInvalidInput, path + " is empty");
  return text;
}

Result<std::string> read_authorities(const TransportSecurity& security) {
  auto trusted = read_text(security.ca_file);
  if (!trusted) return std::unexpected(trusted.error().in("CA of the controller"));
  if (const auto usable = check_authorities(*trusted); !usable) {
    return std::unexpected(usable.error().in(fmt::format("CA of the controller: {}", security.ca_file)));
  }
  return trusted;
}

// Called in every handshake, instead of gRPC's own check, which does not tell what is wrong.
class Verifier : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit Verifier(TransportSecurity security) : security_(std::move(security)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> /*later*/, grpc::Status* now) override {
    const auto chain = request->peer_cert_full_chain();
    const auto trusted = check({chain.data(), chain.size()});
    *now = trusted ? grpc::Status::OK : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, trusted.error().message);
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest* /*request*/) override {}

 private:
  [[nodiscard]] Status check(const std::string& chain) const {
    const auto trusted = read_authorities(security_);
    if (!trusted) return std::unexpected(trusted.error());
    const auto checked =
        check_server_certificate(chain, *trusted, security_.server_name, std::chrono::system_clock::now());
    if (checked) return {};
    return std::unexpected(
        checked.error().in(fmt::format("the controller's certificate is refused (CA {})", security_.ca_file)));
  }

  const TransportSecurity security_;
};

std::shared_ptr<grpc::ChannelCredentials> credentials_of(const TransportSecurity& security,
                                                         const std::string& trusted) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);  // by the verifier
  // Given none, gRPC looks for the system's authorities, and gives up where there are none, as in a small image.
  options.set_certificate_provider(std::make_shared<grpc::experimental::StaticDataCertificateProvider>(trusted));
  options.watch_root_certs();
  options.set_check_call_host(false);  // by its name, whatever address is dialled
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the library owns it from here on
  options.set_certificate_verifier(grpc::experimental::ExternalCertificateVerifier::Create<Verifier>(security));
  return grpc::experimental::TlsCredentials(options);
}

// An attempt that had not even an address to fail at.
class NoLink : public Link {
 public:
  void send(std::string /*bytes*/) override {}
};

class GrpcLink : public Link, private grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  GrpcLink(grpc::GenericStub& stub, const std::string& token, LinkEvents& events) : events_(events) {
    if (!token.empty()) context_.AddMetadata("authorization", "Bearer " + token);
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
  GrpcTransport(std::string target, TransportSecurity security)
      : target_(std::move(target)), security_(std::move(security)) {}

  [[nodiscard]] std::unique_ptr<Link> connect(LinkEvents& events) override {
    auto token = prepare();
    if (!token) {
      events.closed(token.error().message);
      return std::make_unique<NoLink>();
    }
    return std::make_unique<GrpcLink>(*stub_, *token, events);
  }

 private:
  // The channel is made by the first attempt that has all it needs: a CA that comes late is as good as any.
  [[nodiscard]] Result<std::string> prepare() {
    std::string token;
    if (!security_.token_file.empty()) {
      auto read = read_text(security_.token_file);
      if (!read) return std::unexpected(read.error().in("token for the controller"));
      token = std::move(*read);
    }
    if (stub_) return token;
    auto credentials = grpc::InsecureChannelCredentials();
    if (!security_.ca_file.empty()) {
      const auto trusted = read_authorities(security_);
      if (!trusted) return std::unexpected(trusted.error());
      credentials = credentials_of(security_, *trusted);
    }
    stub_.emplace(make_channel(credentials));
    return token;
  }

  [[nodiscard]] std::shared_ptr<grpc::Channel> make_channel(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(static_cast<int>(codec::kMaxMessageBytes));
    // The session has a back-off of its own; the channel's must not be slower.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // A web proxy from the environment is not for us.
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    if (!security_.ca_file.empty()) arguments.SetSslTargetNameOverride(security_.server_name);  // what SNI says
    return grpc::CreateCustomChannel(target_, credentials, arguments);
  }

  const std::string target_;
  const TransportSecurity security_;
  std::optional<grpc::GenericStub> stub_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_grpc_transport(const std::string& target, TransportSecurity security) {
  const bool local = target.starts_with("unix:");
  if (local) security = {};
  if (!local && security.ca_file.empty() && !security.plaintext_lab) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("--controller {}: nothing is said over TCP without TLS; name the CA of the controller's "
                            "certificate with --ca",
                            target));
  }
  return std::make_unique<GrpcTransport>(target, std::move(security));
}

}  // namespace conntruth::session
