#include "common/codec/json_as_yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

namespace conntruth::codec {

namespace {

using Json = nlohmann::ordered_json;

// NOLINTNEXTLINE(misc-no-recursion): as deep as the document, which is ours.
void emit(YAML::Emitter& out, const Json& value) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, member] : value.items()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, member);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    out << YAML::BeginSeq;
    for (const auto& member : value) emit(out, member);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    out << YAML::DoubleQuoted << value.get_ref<const std::string&>();
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << value.dump();  // numbers and booleans are written alike in both
  }
}

}  // namespace

std::string json_as_yaml(const std::string& json) {
  YAML::Emitter out;
  emit(out, Json::parse(json));
  return std::string(out.c_str()) + "\n";
}

}  // namespace conntruth::codec
