// The objects of an install, from the manifests that are a part of the program.
#include "controller/install/objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "controller/install/certificate.hpp"
#include "kube/base64.hpp"

namespace conntruth::install {
namespace {

using Json = nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::vector<Object> objects(const InstallOptions& options = {}) {
  const auto made = objects_of(options);
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : std::vector<Object>();
}

std::vector<std::string> titles(const std::vector<Object>& objects) {
  std::vector<std::string> result;
  for (const auto& each : objects) result.push_back(each.title());
  return result;
}

Json find(const std::vector<Object>& objects, const std::string& title) {
  for (const auto& each : objects) {
    if (each.title() == title) return Json::parse(each.json);
  }
  ADD_FAILURE() << "no " << title;
  return {};
}

TEST(InstallObjects, begin_with_the_namespaces_and_end_with_what_runs_in_them) {
  const auto all = titles(objects());
  EXPECT_EQ(all.at(0), "Namespace conntruth-system");
  EXPECT_EQ(all.at(1), "Namespace conntruth");
  EXPECT_EQ(all.back(), "Deployment conntruth-system/conntruth-controller");
  EXPECT_THAT(all, Contains("Secret conntruth-system/conntruth-tls"));
  EXPECT_THAT(all, Contains("ClusterRole conntruth-controller"));
}

TEST(InstallObjects, are_marked_as_made_by_the_plug_in_and_never_as_a_runs) {
  for (const auto& each : objects({.tls = TlsMode::kCertManager})) {
    const auto labels = Json::parse(each.json).at("metadata").at("labels");
    EXPECT_EQ(labels.at("app.kubernetes.io/name"), "conntruth") << each.title();
    EXPECT_EQ(labels.at("app.kubernetes.io/managed-by"), "kubectl-conntruth") << each.title();
  }
}

TEST(InstallObjects, take_every_container_from_the_image_that_was_named) {
  std::size_t containers = 0;
  for (const auto& each : objects({.image = "example.com/a/b:c"})) {
    const auto json = Json::parse(each.json);
    const Json::json_pointer pointer("/spec/template/spec/containers");
    if (!json.contains(pointer)) continue;
    for (const auto& container : json[pointer]) {
      EXPECT_EQ(container.at("image"), "example.com/a/b:c");
      ++containers;
    }
  }
  EXPECT_EQ(containers, 4U);
}

TEST(InstallObjects, of_the_profile_ebpf_have_agents_with_three_capabilities_more) {
  const auto added = [](const InstallOptions& options) {
    const auto agents = find(objects(options), "DaemonSet conntruth-system/conntruth-agent");
    return agents["spec"]["template"]["spec"]["containers"][0]["securityContext"]["capabilities"]["add"];
  };
  auto wanted = added({});
  for (const auto* each : {"BPF", "PERFMON", "SYSLOG"}) wanted.push_back(each);
  EXPECT_EQ(added({.profile = AgentProfile::kEbpf}), wanted);
}

TEST(InstallObjects, have_the_certificate_by_the_way_that_was_chosen) {
  EXPECT_THAT(titles(objects({.tls = TlsMode::kSecret})), Not(Contains("Secret conntruth-system/conntruth-tls")));
  const auto managed = titles(objects({.tls = TlsMode::kCertManager}));
  EXPECT_THAT(managed, Contains("Certificate conntruth-system/conntruth-tls"));
  EXPECT_THAT(managed, Not(Contains("Secret conntruth-system/conntruth-tls")));
  for (const auto& each : objects()) EXPECT_EQ(each.keep, each.title() == "Secret conntruth-system/conntruth-tls");
}

TEST(InstallObjects, are_refused_for_another_namespace_and_for_what_is_no_image) {
  const auto elsewhere = objects_of({.namespace_name = "other"});
  ASSERT_FALSE(elsewhere);
  EXPECT_THAT(elsewhere.error().message,
              HasSubstr("--namespace: conntruth is installed into the namespace conntruth-system, not other"));
  const auto odd = objects_of({.image = "a b"});
  ASSERT_FALSE(odd);
  EXPECT_THAT(odd.error().message, HasSubstr("--image: \"a b\""));
}

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> reader(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
Owned<X509> certificate_of(const std::string& pem) {
  return Owned<X509>(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
}

TEST(ControllerCertificate, is_signed_by_its_authority_for_the_name_that_agents_ask_for) {
  const auto secret = find(objects(), "Secret conntruth-system/conntruth-tls");
  const auto field = [&](const char* name) {
    return kube::decode_base64(secret["data"][name].get<std::string>()).value();
  };
  EXPECT_EQ(secret["type"], "kubernetes.io/tls");
  const auto authority = certificate_of(field("ca.crt"));
  const auto server = certificate_of(field("tls.crt"));
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(reader(field("tls.key")).get(), nullptr, nullptr, nullptr));
  ASSERT_TRUE(authority && server && key);
  const Owned<EVP_PKEY> signer(X509_get_pubkey(authority.get()));
  EXPECT_EQ(X509_verify(server.get(), signer.get()), 1);
  EXPECT_EQ(X509_check_private_key(server.get(), key.get()), 1);
  EXPECT_EQ(X509_check_ca(authority.get()), 1);
  EXPECT_EQ(X509_check_ca(server.get()), 0);
  EXPECT_EQ(X509_check_host(server.get(), "conntruth-controller.conntruth-system.svc", 0, 0, nullptr), 1);
  EXPECT_NE(X509_check_host(server.get(), "conntruth-controller.other.svc", 0, 0, nullptr), 1);
}

TEST(ControllerCertificate, is_another_one_each_time) {
  EXPECT_NE(make_controller_certificate()->key_pem, make_controller_certificate()->key_pem);
}

}  // namespace
}  // namespace conntruth::install
