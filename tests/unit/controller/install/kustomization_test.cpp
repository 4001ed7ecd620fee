// What is made of kustomization files, on small ones. That the real ones come out as kubectl has them is shown by
// tests/lab/install/manifests_test.py.
#include "controller/install/kustomization.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

namespace conntruth::install {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kPods = R"(
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: a, labels: {own: "1"}}
spec:
  selector: {matchLabels: {own: "1"}}
  template:
    metadata: {labels: {own: "1"}}
    spec:
      containers:
        - {name: x, image: tool, securityContext: {capabilities: {add: [ONE]}}}
        - {name: y, image: other}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: a}
)";
constexpr std::string_view kBase = R"(
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [pods.yaml]
labels:
  - pairs: {app: tool}
    includeTemplates: true
images:
  - {name: tool, newName: example.com/tool, newTag: 1.2.0}
)";
constexpr std::string_view kComponent = R"(
kind: Component
patches:
  - target: {kind: DaemonSet|Deployment, name: a}
    patch: |-
      - {op: add, path: /spec/template/spec/containers/0/securityContext/capabilities/add/-, value: TWO}
)";
constexpr std::array kFiles = {
    SourceFile{"base/kustomization.yaml", kBase},
    SourceFile{"base/pods.yaml", kPods},
    SourceFile{"parts/more/kustomization.yaml", kComponent},
    SourceFile{"over/lay/kustomization.yaml", "resources: [../../base, extra.yaml]\ncomponents: [../../parts/more]\n"},
    SourceFile{"over/lay/extra.yaml",
               "kind: Secret\nmetadata: {name: s}\nmode: 0440\nport: 0\non: true\nshare: 100%\n"
               "text: \"7\"\nnothing: null\nversion: 1.2.0\nsigned: -5\n"},
    SourceFile{"odd/kustomization.yaml", "resources: [../base]\nnamePrefix: x-\n"},
    SourceFile{"lost/kustomization.yaml", "resources: [gone.yaml]\n"},
    SourceFile{"wrong/kustomization.yaml", "images: [{newName: x}]\nresources: [../base]\n"}};

std::vector<Json> parsed(const Result<std::vector<std::string>>& texts) {
  std::vector<Json> result;
  EXPECT_TRUE(texts) << texts.error().message;
  if (!texts) return result;
  for (const auto& text : *texts) result.push_back(Json::parse(text));
  return result;
}

TEST(Kustomization, puts_labels_on_objects_and_their_pods_and_leaves_selectors_alone) {
  const auto objects = parsed(build(kFiles, "base"));
  ASSERT_EQ(objects.size(), 2U);
  const Json both = {{"own", "1"}, {"app", "tool"}};
  EXPECT_EQ(objects[0]["metadata"]["labels"], both);
  EXPECT_EQ(objects[0]["spec"]["template"]["metadata"]["labels"], both);
  EXPECT_EQ(objects[0]["spec"]["selector"]["matchLabels"], Json({{"own", "1"}}));
  EXPECT_EQ(objects[1]["metadata"]["labels"], Json({{"app", "tool"}}));
}

TEST(Kustomization, replaces_the_images_of_the_name_alone) {
  const auto containers = parsed(build(kFiles, "base")).at(0)["spec"]["template"]["spec"]["containers"];
  EXPECT_EQ(containers[0]["image"], "example.com/tool:1.2.0");
  EXPECT_EQ(containers[1]["image"], "other");
}

TEST(Kustomization, builds_overlays_with_components_and_reads_numbers_as_kubectl_does) {
  const auto objects = parsed(build(kFiles, "over/lay"));
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0]["spec"]["template"]["spec"]["containers"][0]["securityContext"]["capabilities"]["add"],
            Json({"ONE", "TWO"}));
  const auto& extra = objects[2];
  EXPECT_EQ(extra["mode"], 0440);
  EXPECT_EQ(extra["port"], 0);
  EXPECT_EQ(extra["signed"], -5);
  EXPECT_EQ(extra["on"], true);
  EXPECT_EQ(extra["share"], "100%");
  EXPECT_EQ(extra["text"], "7");
  EXPECT_EQ(extra["nothing"], nullptr);
  EXPECT_EQ(extra["version"], "1.2.0");
}

TEST(Kustomization, adds_a_component_to_objects_that_were_built) {
  const auto base = build(kFiles, "base");
  ASSERT_TRUE(base);
  EXPECT_EQ(parsed(with_component(kFiles, "parts/more", *base)), [] {
    auto objects = parsed(build(kFiles, "over/lay"));
    objects.pop_back();
    return objects;
  }());
}

TEST(Kustomization, refuses_what_it_does_not_understand_and_names_it) {
  const auto refusal = [](const char* folder) {
    const auto built = build(kFiles, folder);
    return built ? std::string() : built.error().message;
  };
  EXPECT_THAT(refusal("odd"), HasSubstr("odd/kustomization.yaml: \"namePrefix\" is not understood"));
  EXPECT_THAT(refusal("lost"), HasSubstr("lost/gone.yaml/kustomization.yaml: there is no such manifest"));
  EXPECT_THAT(refusal("wrong"), HasSubstr("wrong/kustomization.yaml"));
  EXPECT_THAT(refusal("none"), HasSubstr("none/kustomization.yaml"));
}

}  // namespace
}  // namespace conntruth::install
