#include "agent/session/server_certificate.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>

namespace conntruth::session {

namespace {

struct Release {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
template <typename T>
using Owned = std::unique_ptr<T, Release>;
using Chain = Owned<STACK_OF(X509)>;

Chain read_certificates(const std::string& pem) {
  Chain chain(sk_X509_new_null());
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (auto* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(chain.get(), certificate);
  }
  ERR_clear_error();  // the end of the text
  return chain;
}

std::string text_of(const ASN1_TIME* time) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string dns_names(X509* certificate) {
  const Owned<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    text += text.empty() ? "" : ", ";
    text.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return text.empty() ? "no name at all" : text;
}

std::string reason(X509_STORE_CTX* context, X509* leaf, const std::string& name) {
  const auto code = X509_STORE_CTX_get_error(context);
  auto* at = X509_STORE_CTX_get_current_cert(context);
  if (at == nullptr) at = leaf;
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("it expired on {}; renew it", text_of(X509_get0_notAfter(at)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("it holds from {} on only; set this node's clock", text_of(X509_get0_notBefore(at)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return fmt::format("it is for {}, not for {}; issue it for that name", dns_names(leaf), name);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "no CA of ours vouches for it; both sides need the same Secret";
    default:
      return fmt::format("{}; issue another one", X509_verify_cert_error_string(code));
  }
}

Result<Chain> read_authorities(const std::string& ca_pem) {
  auto trusted = read_certificates(ca_pem);
  if (sk_X509_num(trusted.get()) == 0) return fail(ErrorCode::kInvalidInput, "there is no certificate in it");
  return trusted;
}

}  // namespace

Status check_authorities(const std::string& ca_pem) {
  const auto trusted = read_authorities(ca_pem);
  if (!trusted) return std::unexpected(trusted.error());
  return {};
}

Status check_server_certificate(const std::string& chain_pem, const std::string& ca_pem, const std::string& name,
                                std::chrono::system_clock::time_point now) {
  const auto chain = read_certificates(chain_pem);
  if (sk_X509_num(chain.get()) == 0) return fail(ErrorCode::kInvalidInput, "the controller showed no certificate");
  const auto authorities = read_authorities(ca_pem);
  if (!authorities) return std::unexpected(authorities.error());
  auto* trusted = authorities->get();
  const Owned<X509_STORE> store(X509_STORE_new());
  for (int i = 0; i < sk_X509_num(trusted); ++i) {
    X509_STORE_add_cert(store.get(), sk_X509_value(trusted, i));
  }
  auto* leaf = sk_X509_value(chain.get(), 0);
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store.get(), leaf, chain.get()) != 1) {
    return fail(ErrorCode::kInternal, "its verification could not be prepared");
  }
  auto* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set_time(rules, std::chrono::system_clock::to_time_t(now));
  if (name.empty() || X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) != 1 ||
      X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_SERVER) != 1) {
    return fail(ErrorCode::kInvalidInput, fmt::format("\"{}\" is no name that a certificate can carry", name));
  }
  if (X509_verify_cert(context.get()) == 1) return {};
  return fail(ErrorCode::kPermission, reason(context.get(), leaf, name));
}

}  // namespace conntruth::session
