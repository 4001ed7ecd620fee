// The only file of the controller that includes Beast and Asio.
#include "controller/http/server.hpp"

// Each loop runs in one thread at a time.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic ignored "-Wtsan"
#endif

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <list>
#include <mutex>
#include <thread>

namespace conntruth::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Code = beast::error_code;
using Tcp = asio::ip::tcp;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{500};  // how long an event stream waits before it looks at stop()

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return result;
}

Reply problem(unsigned status, std::string_view text) {
  return {status, "text/plain", fmt::format("{}\n", text), {}, 0};
}

class Connection {
 public:
  explicit Connection(const ServerOptions& options) : options_(options), stream_(loop_) {}

  asio::io_context& loop() { return loop_; }
  void take(Tcp::socket socket) { stream_.socket() = std::move(socket); }
  // From any thread.
  void stop() {
    stopping_ = true;
    asio::post(loop_, [this] { close(); });
  }

  void serve(const Server::Handler& handler) {
    while (!stopping_) {
      beast::http::request_parser<beast::http::string_body> parser;
      parser.header_limit(options_.head_bytes);
      parser.body_limit(options_.body_bytes);
      if (!read(parser)) break;
      const bool keep = parser.keep_alive();
      if (!answer(reply_to(parser.get(), handler), parser.get().version(), keep) || !keep) break;
    }
    close();
  }

  void refuse(const Reply& reply) {
    static_cast<void>(answer(reply, 11, false));
    close();
  }

 private:
  template <typename Parser>
  bool read(Parser& parser) {
    auto code = within(options_.head_within,
                       [&](auto done) { beast::http::async_read_header(stream_, buffer_, parser, done); });
    if (!code && parser.get()[beast::http::field::expect] == "100-continue") {
      const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      if (!write(go_on)) return false;
    }
    if (!code) {
      code = within(options_.body_within, [&](auto done) { beast::http::async_read(stream_, buffer_, parser, done); });
    }
    if (!code) return true;
    // What was sent but not read would make a reset of our closing, and the client would miss the answer: it is told
    // and then given time to hear it.
    if (code == beast::http::error::body_limit)
      say_and_drain(problem(413, "the body is too large"));
    else if (code == beast::http::error::header_limit)
      say_and_drain(problem(431, "the head is too large"));
    else if (code.category() == beast::http::make_error_code(beast::http::error::bad_method).category() &&
             code != beast::http::error::end_of_stream && code != beast::http::error::partial_message)
      say_and_drain(problem(400, "the request is no HTTP/1.1: " + code.message()));
    return false;
  }

  void say_and_drain(const Reply& reply) {
    constexpr std::size_t kMost = std::size_t{64} << 20U;
    if (!answer(reply, 11, false)) return;
    Code ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
    std::array<char, 65536> waste{};
    std::size_t seen = 0;
    const auto end = steady_clock::now() + options_.body_within;
    while (seen < kMost && steady_clock::now() < end) {
      std::size_t count = 0;
      const auto code = within(options_.head_within, [&](auto done) {
        stream_.async_read_some(asio::buffer(waste), [&count, done](Code result, std::size_t size) {
          count = size;
          done(result, size);
        });
      });
      if (code) return;
      seen += count;
    }
  }

  template <typename Message>
  Reply reply_to(Message& message, const Server::Handler& handler) {
    const auto target = message.target();
    auto request = read_target({target.data(), target.size()});
    if (!request) return problem(400, request.error().message);
    const auto method = message.method_string();
    request->method = std::string(method.data(), method.size());
    for (const auto& field : message) {
      const auto name = field.name_string();
      const auto value = field.value();
      request->headers.insert_or_assign(lower({name.data(), name.size()}), std::string(value.data(), value.size()));
    }
    request->body = std::move(message.body());
    return handler(*request);
  }

  bool answer(const Reply& reply, unsigned version, bool keep) {
    if (reply.events) return stream_events(reply);
    beast::http::response<beast::http::string_body> response(static_cast<beast::http::status>(reply.status), version);
    response.set(beast::http::field::content_type, reply.content_type);
    response.set(beast::http::field::cache_control, "no-store");
    response.keep_alive(keep);
    response.body() = reply.body;
    response.prepare_payload();
    const auto code =
        within(options_.write_within, [&](auto done) { beast::http::async_write(stream_, response, done); });
    return !code;
  }

  // The stream ends with its connection: no chunks, which proxies on the way need not understand.
  bool stream_events(const Reply& reply) {
    if (!write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
               "Connection: close\r\n\r\n"))
      return false;
    auto after = reply.after;
    auto heard = steady_clock::now();
    while (!stopping_) {
      const auto page = reply.events->above(after, steady_clock::now() + kTick);
      std::string text;
      for (const auto& event : page.events) {
        text += fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.number, event.type, event.data);
        after = event.number;
      }
      if (text.empty() && steady_clock::now() - heard >= options_.heartbeat) text = ": still here\n\n";
      if (!text.empty()) {
        if (!write(text)) return false;
        heard = steady_clock::now();
      }
      if (page.closed) return false;
    }
    return false;
  }

  bool write(const std::string& text) {
    const auto code =
        within(options_.write_within, [&](auto done) { asio::async_write(stream_, asio::buffer(text), done); });
    return !code;
  }

  // Runs one operation to its end or its time-out in this thread.
  template <typename Begin>
  Code within(std::chrono::milliseconds limit, Begin begin) {
    Code result = asio::error::operation_aborted;
    stream_.expires_after(limit);
    begin([&result](Code code, std::size_t) { result = code; });
    loop_.restart();
    loop_.run();
    return result;
  }

  void close() {
    Code ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

  const ServerOptions& options_;
  asio::io_context loop_{1};
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::atomic<bool> stopping_{false};
};

class AsioServer final : public Server {
 public:
  AsioServer(ServerOptions options, Handler handler)
      : options_(options), handler_(std::move(handler)), acceptor_(loop_) {}

  ~AsioServer() override {
    asio::post(loop_, [this] {
      Code ignored;
      acceptor_.close(ignored);
    });
    if (accepting_.joinable()) accepting_.join();
    for (auto& each : running_) each.connection.stop();
    for (auto& each : running_) each.thread.join();
  }

  Status listen(const SocketAddress& address) {
    try {
      const Tcp::endpoint endpoint(asio::ip::make_address(address.address.to_string()), address.port);
      acceptor_.open(endpoint.protocol());
      acceptor_.set_option(Tcp::acceptor::reuse_address(true));
      acceptor_.bind(endpoint);
      acceptor_.listen();
      port_ = acceptor_.local_endpoint().port();
    } catch (const boost::system::system_error& error) {
      const bool taken = error.code() == asio::error::address_in_use;
      return fail(taken ? ErrorCode::kConflict : ErrorCode::kInvalidInput,
                  fmt::format("listen for HTTP on {}: {}", address.to_string(), error.code().message()));
    }
    accepting_ = std::thread([this] {
      accept();
      loop_.run();
    });
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }

 private:
  struct Running {
    explicit Running(const ServerOptions& options) : connection(options) {}
    Connection connection;
    std::thread thread;
    std::atomic<bool> over{false};
  };

  // All of running_ belongs to the accepting thread, and after its end to the destructor.
  void accept() {
    reap();
    auto& next = running_.emplace_back(options_);
    acceptor_.async_accept(next.connection.loop(), [this, &next](Code code, Tcp::socket socket) {
      if (code == asio::error::operation_aborted || !acceptor_.is_open()) {
        running_.pop_back();
        return;
      }
      if (code) {
        running_.pop_back();  // of descriptors there may be none left for a moment
      } else {
        next.connection.take(std::move(socket));
        reap();
        begin(next, running_.size() > options_.connections);
      }
      accept();
    });
  }

  void begin(Running& one, bool too_many) {
    one.thread = std::thread([this, &one, too_many] {
      if (too_many) {
        one.connection.refuse(problem(503, "too many connections"));
      } else {
        one.connection.serve(handler_);
      }
      one.over = true;
    });
  }

  void reap() {
    std::erase_if(running_, [](Running& each) {
      if (!each.over) return false;
      each.thread.join();
      return true;
    });
  }

  const ServerOptions options_;
  const Handler handler_;
  asio::io_context loop_{1};
  Tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::list<Running> running_;
  std::thread accepting_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const SocketAddress& address, ServerOptions options, Handler handler) {
  auto server = std::make_unique<AsioServer>(options, std::move(handler));
  if (auto listening = server->listen(address); !listening) return std::unexpected(listening.error());
  return server;
}

}  // namespace conntruth::http
