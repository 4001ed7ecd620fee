// The only file that includes Beast and Asio: some twenty seconds of compile time, once.
#include "kube/connection.hpp"

// Each loop runs in one thread at a time, and what other threads post goes through its mutex: Asio's fences, which
// ThreadSanitizer does not understand, have nothing to do here.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic ignored "-Wtsan"
#endif

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <charconv>
#include <cstring>
#include <functional>

#include "common/address.hpp"
#include "kube/sockets.hpp"

namespace conntruth::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Code = beast::error_code;
using Tcp = beast::tcp_stream;
using Tls = beast::ssl_stream<beast::tcp_stream>;

constexpr std::size_t kChunk = std::size_t{64} << 10U;
constexpr std::size_t kMaxHead = std::size_t{64} << 10U;

std::string tls_remedy(long verified, const Peer& peer) {
  switch (verified) {
    case X509_V_OK:
      return {};
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "; renew the server's certificate, or set this machine's clock right";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("; the server's certificate is not for \"{}\": set the cluster's tls-server-name", peer.name);
    default:
      return "; set the cluster's certificate-authority to the one that signed the server's certificate";
  }
}

Status use_identity(asio::ssl::context& context, const Peer& peer) {
  Code code;
  if (peer.certificate_pem.empty()) return {};
  if (context.use_certificate_chain(asio::buffer(peer.certificate_pem), code); code)
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("client certificate: no PEM certificate ({}); repair client-certificate(-data)", code.message()));
  if (context.use_private_key(asio::buffer(peer.key_pem), asio::ssl::context::pem, code); code)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("client key: no PEM key that fits the client certificate ({}); repair client-key(-data)",
                            code.message()));
  return {};
}

Status prepare(asio::ssl::context& context, const Peer& peer) {
  Code code;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (peer.ca_pem.empty()) {
    context.set_default_verify_paths(code);
  } else if (context.add_certificate_authority(asio::buffer(peer.ca_pem), code); code) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("certificate authority: no PEM certificate ({}); repair certificate-authority(-data)",
                            code.message()));
  }
  return use_identity(context, peer);
}

std::optional<std::chrono::seconds> retry_after(std::string_view text) {
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;  // a date: the API writes none
  return std::chrono::seconds(seconds);
}

// `Stream` is Tcp or Tls.
template <typename Stream>
class OneConnection final : public Connection {
 public:
  explicit OneConnection(const Peer& peer) : peer_(peer) {}

  Status connect(Deadline deadline) {
    auto candidates = make_sockets(peer_.host, peer_.port, peer_.network_namespace, deadline);
    if (!candidates) return std::unexpected(candidates.error());
    Code code;
    for (auto& candidate : *candidates) {
      if (code = connect_to(candidate, deadline); !code) break;
    }
    if (code) return broken("connecting", code);
    return secure(deadline);
  }

  Status prepare_tls() { return kTls ? prepare(context_, peer_) : Status(); }

  Result<HttpReply> exchange(const HttpRequest& request, Deadline deadline) override {
    if (auto sent = send(request, deadline); !sent) return std::unexpected(sent.error());
    http::response_parser<http::string_body> parser;
    parser.body_limit(peer_.max_body);
    parser.header_limit(kMaxHead);
    const auto code = run(deadline, [&](auto done) { http::async_read(*stream_, buffer_, parser, done); });
    if (parser.got_some()) progress_ = Progress::kAnswered;
    if (code) return broken("reading the answer", code);
    auto reply = head_of(parser.get());
    reply.body = std::move(parser.get().body());
    return reply;
  }

  Result<HttpReply> begin(const HttpRequest& request, Deadline deadline) override {
    if (auto sent = send(request, deadline); !sent) return std::unexpected(sent.error());
    streamed_.emplace();
    streamed_->body_limit(boost::none);
    streamed_->header_limit(kMaxHead);
    const auto code = run(deadline, [&](auto done) { http::async_read_header(*stream_, buffer_, *streamed_, done); });
    if (streamed_->got_some()) progress_ = Progress::kAnswered;
    if (code) return broken("reading the answer", code);
    auto reply = head_of(streamed_->get());
    if (reply.status < 400) return reply;
    while (true) {
      const auto more = read(reply.body, deadline);
      if (!more) return std::unexpected(more.error());
      if (!*more) return reply;
    }
  }

  Result<bool> read(std::string& into, Deadline deadline) override {
    while (!streamed_->is_done()) {
      auto& body = streamed_->get().body();
      body.data = chunk_.data();
      body.size = chunk_.size();
      auto code = run(deadline, [&](auto done) { http::async_read_some(*stream_, buffer_, *streamed_, done); });
      if (code == http::error::need_buffer) code = {};
      const auto got = chunk_.size() - body.size;
      into.append(chunk_.data(), got);
      if (got > 0) return true;  // an error, if there was one, comes again
      if (code) return broken("reading the stream", code);
    }
    return false;
  }

  [[nodiscard]] Progress progress() const override { return progress_; }

  void interrupt() override {
    interrupted_ = true;
    asio::post(loop_, [this] { beast::get_lowest_layer(*stream_).cancel(); });
  }

 private:
  static constexpr bool kTls = std::is_same_v<Stream, Tls>;

  void make_stream() {
    if constexpr (kTls) {
      stream_.emplace(loop_, context_);
    } else {
      stream_.emplace(loop_);
    }
  }

  Code connect_to(Candidate& candidate, Deadline deadline) {
    make_stream();
    asio::ip::tcp::endpoint target;
    target.resize(candidate.size);
    std::memcpy(target.data(), &candidate.address, candidate.size);
    auto& socket = beast::get_lowest_layer(*stream_).socket();
    Code code;
    if (socket.assign(target.protocol(), candidate.socket.get(), code); code) return code;
    (void)candidate.socket.release();
    code = run(deadline, [&](auto done) { beast::get_lowest_layer(*stream_).async_connect(target, done); });
    if (code) return code;
    socket.set_option(asio::ip::tcp::no_delay(true), code);
    set_keep_alive(socket.native_handle());
    return {};
  }

  // A peer that vanished is noticed within half a minute also where nothing is to be sent.
  static void set_keep_alive(int socket) {
    const auto set = [socket](int level, int option, int value) {
      ::setsockopt(socket, level, option, &value, sizeof(value));
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  }

  Status secure(Deadline deadline) {
    if constexpr (kTls) {
      auto* handle = stream_->native_handle();
      if (!IpAddress::parse(peer_.name) && SSL_set_tlsext_host_name(handle, peer_.name.c_str()) != 1)
        return fail(ErrorCode::kInvalidInput, fmt::format("\"{}\" is no server name", peer_.name));
      if (peer_.skip_verify) {
        stream_->set_verify_mode(asio::ssl::verify_none);
      } else {
        stream_->set_verify_mode(asio::ssl::verify_peer);
        stream_->set_verify_callback(
            [this](bool verified, asio::ssl::verify_context& context) { return name_fits(verified, context); });
      }
      const auto code =
          run(deadline, [&](auto done) { stream_->async_handshake(asio::ssl::stream_base::client, done); });
      if (code) return refused(code, SSL_get_verify_result(handle));
    }
    return {};
  }

  bool name_fits(bool verified, asio::ssl::verify_context& context) const {
    if (asio::ssl::host_name_verification(peer_.name)(verified, context)) return true;
    if (verified) X509_STORE_CTX_set_error(context.native_handle(), X509_V_ERR_HOSTNAME_MISMATCH);
    return false;
  }

  std::unexpected<Error> refused(Code code, long verified) const {
    if (verified == X509_V_OK) return broken("TLS handshake", code);
    return fail(ErrorCode::kPermission,
                fmt::format("{}:{}: the server's certificate is refused: {}{}", peer_.host, peer_.port,
                            X509_verify_cert_error_string(verified), tls_remedy(verified, peer_)));
  }

  std::unexpected<Error> broken(std::string_view doing, Code code) const {
    std::string reason = code.message();
    if (code == beast::error::timeout) reason = "no answer in time";
    if (code == http::error::end_of_stream || code == http::error::partial_message ||
        code == asio::ssl::error::stream_truncated)
      reason = "the server closed the connection";
    if (interrupted_) reason = "stopped";
    return fail(ErrorCode::kUnavailable, fmt::format("{}:{}: {}: {}", peer_.host, peer_.port, doing, reason));
  }

  // Runs the loop until `start`'s handler was called. TCP's own deadline cancels the operation.
  template <typename Start>
  Code run(Deadline deadline, Start start) {
    if (interrupted_) return asio::error::operation_aborted;
    Code result = asio::error::would_block;
    beast::get_lowest_layer(*stream_).expires_at(deadline);
    start([&result](Code code, auto&&...) { result = code; });
    loop_.restart();
    loop_.run();
    return result;
  }

  Status send(const HttpRequest& request, Deadline deadline) {
    progress_ = Progress::kNothingSent;
    http::request<http::span_body<const char>> message;
    message.method_string({request.method.data(), request.method.size()});
    message.target({request.target.data(), request.target.size()});
    message.version(11);
    for (const auto& [name, value] : request.headers) message.set(name, value);
    message.body() = {request.body.data(), request.body.size()};
    if (!request.body.empty() || request.method != "GET") message.content_length(request.body.size());
    const auto code = run(deadline, [&](auto done) { http::async_write(*stream_, message, done); });
    progress_ = Progress::kSent;
    if (code) return broken("sending", code);
    return {};
  }

  template <typename Message>
  static HttpReply head_of(const Message& message) {
    HttpReply reply;
    reply.status = message.result_int();
    reply.keep = message.keep_alive();
    const auto value = message[http::field::retry_after];
    reply.retry_after = retry_after({value.data(), value.size()});
    return reply;
  }

  Peer peer_;
  asio::io_context loop_{1};
  asio::ssl::context context_{asio::ssl::context::tls_client};
  std::optional<Stream> stream_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::buffer_body>> streamed_;
  std::array<char, kChunk> chunk_{};
  std::atomic<bool> interrupted_ = false;
  Progress progress_ = Progress::kNothingSent;
};

template <typename Stream>
Result<std::unique_ptr<Connection>> open_as(const Peer& peer, Connection::Deadline deadline) {
  auto connection = std::make_unique<OneConnection<Stream>>(peer);
  if (const auto ready = connection->prepare_tls(); !ready) return std::unexpected(ready.error());
  if (const auto connected = connection->connect(deadline); !connected) return std::unexpected(connected.error());
  return connection;
}

}  // namespace

Status Connection::check(const Peer& peer) try {
  asio::ssl::context context(asio::ssl::context::tls_client);
  return prepare(context, peer);
} catch (const std::exception& error) {
  return fail(ErrorCode::kInternal, fmt::format("TLS: {}", error.what()));
}

Result<std::unique_ptr<Connection>> Connection::open(const Peer& peer, Deadline deadline) try {
  return peer.tls ? open_as<Tls>(peer, deadline) : open_as<Tcp>(peer, deadline);
} catch (const std::exception& error) {
  return fail(ErrorCode::kInternal, fmt::format("{}:{}: {}", peer.host, peer.port, error.what()));
}

}  // namespace conntruth::kube
