#include "tests/support/scripted_server.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <csignal>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace conntruth::tests {
namespace {

// One accepted connection, plain or TLS, blocking.
class Wire {
 public:
  Wire(int socket, SSL_CTX* tls) : socket_(socket) {
    if (tls == nullptr) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, socket);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() { SSL_free(ssl_); }

  bool begin() { return ssl_ == nullptr || SSL_accept(ssl_) == 1; }
  bool write(const std::string& bytes) {
    if (ssl_ != nullptr) return bytes.empty() || SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0;
    for (std::size_t sent = 0; sent < bytes.size();) {
      const auto done = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (done <= 0) return false;
      sent += static_cast<std::size_t>(done);
    }
    return true;
  }
  bool read(std::string& into) {
    std::array<char, 16384> chunk{};
    const auto got = ssl_ != nullptr ? SSL_read(ssl_, chunk.data(), static_cast<int>(chunk.size()))
                                     : ::recv(socket_, chunk.data(), chunk.size(), 0);
    if (got <= 0) return false;
    into.append(chunk.data(), static_cast<std::size_t>(got));
    return true;
  }

 private:
  int socket_;
  SSL* ssl_ = nullptr;
};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Takes one request off `input`, reading more as needed.
std::optional<ServedRequest> read_request(Wire& wire, std::string& input) {
  std::size_t end = 0;
  while ((end = input.find("\r\n\r\n")) == std::string::npos) {
    if (!wire.read(input)) return std::nullopt;
  }
  ServedRequest request;
  const auto head = input.substr(0, end + 2);
  input.erase(0, end + 4);
  auto line_end = head.find("\r\n");
  const auto first = head.substr(0, line_end);
  request.method = first.substr(0, first.find(' '));
  request.target = first.substr(request.method.size() + 1, first.rfind(' ') - request.method.size() - 1);
  for (auto begin = line_end + 2; begin < head.size(); begin = line_end + 2) {
    line_end = head.find("\r\n", begin);
    const auto line = head.substr(begin, line_end - begin);
    const auto colon = line.find(':');
    request.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
  }
  const auto length = request.headers.contains("content-length") ? std::stoul(request.headers["content-length"]) : 0;
  while (input.size() < length) {
    if (!wire.read(input)) return std::nullopt;
  }
  request.body = input.substr(0, length);
  input.erase(0, length);
  return request;
}

SSL_CTX* make_context(const Certificate& certificate) {
  auto* context = SSL_CTX_new(TLS_server_method());
  auto* text =
      BIO_new_mem_buf(certificate.certificate_pem.data(), static_cast<int>(certificate.certificate_pem.size()));
  auto* key_text = BIO_new_mem_buf(certificate.key_pem.data(), static_cast<int>(certificate.key_pem.size()));
  auto* body = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
  auto* key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
  const bool well = SSL_CTX_use_certificate(context, body) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
  X509_free(body);
  EVP_PKEY_free(key);
  BIO_free(text);
  BIO_free(key_text);
  if (!well) throw std::runtime_error("scripted server: certificate");
  return context;
}

}  // namespace

std::string ServedRequest::query(const std::string& key) const {
  const auto begin = target.find_first_of('?');
  for (auto at = begin; at != std::string::npos; at = target.find('&', at + 1)) {
    if (target.compare(at + 1, key.size() + 1, key + "=") != 0) continue;
    const auto value = at + key.size() + 2;
    return target.substr(value, std::min(target.find('&', value), target.size()) - value);
  }
  return {};
}

std::string Answer::bytes() const {
  auto text = fmt::format("HTTP/1.1 {} Scripted\r\nContent-Type: application/json\r\n", status);
  for (const auto& [name, value] : headers) text += fmt::format("{}: {}\r\n", name, value);
  if (!stream) return text + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
  text += "Transfer-Encoding: chunked\r\n\r\n";
  for (std::size_t begin = 0; begin < body.size();) {
    const auto end = std::min(body.find('\n', begin), body.size() - 1) + 1;
    text += fmt::format("{:x}\r\n{}\r\n", end - begin, body.substr(begin, end - begin));
    begin = end;
  }
  return stays_open ? text : text + "0\r\n\r\n";
}

class ScriptedServer::Core {
 public:
  Core(Handler handler, const std::optional<Certificate>& certificate) : handler_(std::move(handler)) {
    if (certificate) tls_ = make_context(*certificate);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(here);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&here), size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size) != 0)
      throw std::runtime_error("scripted server: cannot listen on loopback");
    port_ = ntohs(here.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  ~Core() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const auto socket : open_) ::shutdown(socket, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
    SSL_CTX_free(tls_);
  }

  [[nodiscard]] unsigned short port() const { return port_; }
  [[nodiscard]] std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return threads_.size();
  }
  [[nodiscard]] std::vector<ServedRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void accept() {
    while (true) {
      const auto socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const std::lock_guard lock(mutex_);
      if (socket >= 0 && stopping_) ::close(socket);
      if (socket < 0 || stopping_) return;
      open_.insert(socket);
      threads_.emplace_back([this, socket] {
        serve(socket);
        const std::lock_guard inner(mutex_);
        open_.erase(socket);
        ::close(socket);
      });
    }
  }

  void serve(int socket) {
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);  // OpenSSL writes without MSG_NOSIGNAL
    Wire wire(socket, tls_);
    std::string input;
    if (!wire.begin()) return;
    while (const auto request = read_request(wire, input)) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(*request);
      }
      const auto answer = handler_(*request);
      auto bytes = answer.no_answer ? std::string() : answer.bytes();
      if (answer.cut) bytes.resize(std::min(bytes.size(), *answer.cut));
      if (!wire.write(bytes) || answer.cut || answer.closes) return;
      if ((answer.stays_open || answer.no_answer) && !wire.read(input)) return;
    }
  }

  Handler handler_;
  SSL_CTX* tls_ = nullptr;
  int listener_ = -1;
  unsigned short port_ = 0;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::set<int> open_;
  std::vector<ServedRequest> requests_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

ScriptedServer::ScriptedServer(Handler handler, std::optional<Certificate> certificate)
    : core_(std::make_unique<Core>(std::move(handler), certificate)) {}
ScriptedServer::~ScriptedServer() = default;
unsigned short ScriptedServer::port() const { return core_->port(); }
std::size_t ScriptedServer::connections() const { return core_->connections(); }
std::vector<ServedRequest> ScriptedServer::requests() const { return core_->requests(); }

}  // namespace conntruth::tests
