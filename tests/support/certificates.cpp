#include "tests/support/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <memory>
#include <stdexcept>

namespace conntruth::tests {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

void must(bool well, const char* what) {
  if (!well) throw std::runtime_error(std::string("certificate: ") + what);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Bio bio_of(const std::string& text) { return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free}; }

void extend(X509* certificate, X509* issuer, int number, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, number, value.c_str());
  must(extension != nullptr, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509Ptr blank(const CertificateSpec& spec, EVP_PKEY* key) {
  static std::atomic<long> serial = 1;
  X509Ptr certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), spec.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), spec.ends.count());
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
  return certificate;
}

Certificate sign(X509* certificate, EVP_PKEY* own, X509* issuer, EVP_PKEY* signer) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  must(X509_sign(certificate, signer, EVP_sha256()) > 0, "signing");
  const Bio body(BIO_new(BIO_s_mem()), &BIO_free);
  const Bio key(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(body.get(), certificate);
  PEM_write_bio_PrivateKey(key.get(), own, nullptr, nullptr, 0, nullptr, nullptr);
  return {text_of(body.get()), text_of(key.get())};
}

}  // namespace

Certificate make_authority(const std::string& common_name) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const auto certificate = blank({common_name, {}, std::chrono::hours(-1), std::chrono::hours(1)}, key.get());
  extend(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  return sign(certificate.get(), key.get(), certificate.get(), key.get());
}

Certificate issue(const Certificate& authority, const CertificateSpec& spec) {
  const auto issuer_text = bio_of(authority.certificate_pem);
  const auto signer_text = bio_of(authority.key_pem);
  const X509Ptr issuer(PEM_read_bio_X509(issuer_text.get(), nullptr, nullptr, nullptr), &X509_free);
  const Key signer(PEM_read_bio_PrivateKey(signer_text.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const auto certificate = blank(spec, key.get());
  std::string names;
  for (const auto& name : spec.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) extend(certificate.get(), issuer.get(), NID_subject_alt_name, names);
  return sign(certificate.get(), key.get(), issuer.get(), signer.get());
}

}  // namespace conntruth::tests
