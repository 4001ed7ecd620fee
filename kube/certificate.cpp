#include "kube/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace conntruth::kube {

namespace {

constexpr long kDay = 24L * 60 * 60;
constexpr long kDays = 3650;

template <typename T, auto kFree>
struct Free {
  void operator()(T* object) const { kFree(object); }
};
template <typename T, auto kFree>
using Owned = std::unique_ptr<T, Free<T, kFree>>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;
using Memory = Owned<BIO, BIO_free_all>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;

struct Pair {
  Key key;
  Certificate certificate;
  explicit operator bool() const { return key && certificate; }
};

Memory reader_of(const std::string& pem) { return Memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

Pair read(const Identity& identity) {
  const auto key = reader_of(identity.key_pem);
  const auto certificate = reader_of(identity.certificate_pem);
  if (!key || !certificate) return {};
  return {Key(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr)),
          Certificate(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr))};
}

// All but what tells one certificate from another, and the signature.
bool begin(const Pair& own, const Pair& issuer, const std::string& name) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  auto* certificate = own.certificate.get();
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kDays * kDay) != nullptr &&
         X509_set_pubkey(certificate, own.key.get()) == 1 &&
         X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, text,
                                    static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get())) == 1;
}

bool extend(const Pair& own, const Pair& issuer, const std::pair<std::string, std::string>& wanted) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.certificate.get(), own.certificate.get(), nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_nconf(nullptr, &context, wanted.first.c_str(), wanted.second.c_str()));
  return extension && X509_add_ext(own.certificate.get(), extension.get(), -1) == 1;
}

std::string text_of(const Memory& memory) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

std::string pem_of(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  return memory && PEM_write_bio_X509(memory.get(), certificate) == 1 ? text_of(memory) : "";
}

std::string pem_of(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  const bool written =
      memory && PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  return written ? text_of(memory) : "";
}

}  // namespace

Result<Identity> make_identity(const CertificateSpec& spec, const Identity* issuer) {
  const Pair own{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  const Pair other = issuer == nullptr ? Pair{} : read(*issuer);
  const Pair& signer = issuer == nullptr ? own : other;
  const auto extended = [&](const auto& each) { return extend(own, signer, each); };
  Identity result;
  if (own && signer && begin(own, signer, spec.common_name) && std::ranges::all_of(spec.extensions, extended) &&
      X509_sign(own.certificate.get(), signer.key.get(), EVP_sha256()) > 0)
    result = {pem_of(own.certificate.get()), pem_of(own.key.get())};
  if (result.certificate_pem.empty() || result.key_pem.empty())
    return fail(ErrorCode::kInternal, "OpenSSL could not make the certificate of " + spec.common_name);
  return result;
}

}  // namespace conntruth::kube
