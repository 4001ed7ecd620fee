// The JSON document as YAML: same keys, same order, every text quoted so that no reader takes "no" for a boolean.
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "controller/report/report.hpp"

namespace conntruth::report {

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

std::string to_yaml(const Report& report) {
  YAML::Emitter out;
  emit(out, Json::parse(to_json(report)));
  return std::string(out.c_str()) + "\n";
}

}  // namespace conntruth::report
