#include "kube/credentials.hpp"

#include <fmt/chrono.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "kube/kubeconfig.hpp"

namespace conntruth::kube {
namespace {

constexpr std::chrono::seconds kTokenAge{60};
constexpr std::chrono::seconds kPluginMargin{10};

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

std::string stripped(std::string text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

Status Credentials::read_token(Steady now) {
  struct stat found{};
  const bool there = ::stat(access_.token_file.c_str(), &found) == 0;
  if (fresh_ && there && same_file(found, seen_) && now - read_at_ < kTokenAge) return {};
  const auto text = read_file(access_.token_file, "token file");
  if (!text) return std::unexpected(text.error());
  auto token = stripped(*text);
  if (token.empty())
    return fail(ErrorCode::kInvalidInput,
                fmt::format("token file {} is empty; write a token into it", access_.token_file));
  if (token != identity_.token) ++identity_.generation;
  identity_.token = std::move(token);
  seen_ = found;
  read_at_ = now;
  return {};
}

Status Credentials::ask_plugin(Wall wall, Steady deadline) {
  if (fresh_ && (!expires_ || wall + kPluginMargin < *expires_)) return {};
  auto credential = run_plugin(access_, deadline);
  if (!credential) return std::unexpected(credential.error());
  ++identity_.generation;
  identity_.token = std::move(credential->token);
  identity_.certificate_pem = std::move(credential->certificate_pem);
  identity_.key_pem = std::move(credential->key_pem);
  expires_ = credential->expires;
  return {};
}

Result<Identity> Credentials::current(Steady now, Wall wall, Steady deadline) {
  const std::lock_guard lock(mutex_);
  Status got;
  if (!access_.token_file.empty()) {
    got = read_token(now);
  } else if (access_.exec && access_.token.empty()) {
    got = ask_plugin(wall, deadline);
  } else {
    identity_.token = access_.token;
  }
  if (!got) return std::unexpected(got.error().in(access_.origin));
  if (!access_.client_certificate_pem.empty()) {
    identity_.certificate_pem = access_.client_certificate_pem;
    identity_.key_pem = access_.client_key_pem;
  }
  fresh_ = true;
  return identity_;
}

bool Credentials::refused(std::uint64_t generation) {
  if (access_.token_file.empty() && !access_.exec) return false;
  const std::lock_guard lock(mutex_);
  if (generation == identity_.generation) fresh_ = false;
  return true;
}

std::string Credentials::hint(Wall wall) const {
  const std::lock_guard lock(mutex_);
  const auto end = end_of_certificate(identity_.certificate_pem);
  if (end && *end < wall)
    return fmt::format("the client certificate ended at {:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(*end));
  if (identity_.token.empty() && identity_.certificate_pem.empty())
    return "there is neither token nor client certificate";
  return {};
}

std::optional<std::chrono::system_clock::time_point> end_of_certificate(const std::string& pem) {
  if (pem.empty()) return std::nullopt;
  const std::unique_ptr<BIO, decltype(&BIO_free)> bytes(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                        &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr), &X509_free);
  std::tm parts{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace conntruth::kube
