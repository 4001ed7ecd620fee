#include "kube/api_error.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace conntruth::kube {
namespace {

ErrorCode code_of(unsigned status) {
  switch (status) {
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
      return ErrorCode::kInvalidInput;
    case 401:
    case 403:
      return ErrorCode::kPermission;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    default:
      return ErrorCode::kUnavailable;
  }
}

std::string remedy_of(const Request& request, unsigned status, std::string_view said, std::string_view who,
                      std::string_view hint) {
  const auto unknown = [&] {
    return fmt::format("the server does not know us by the credentials of {}{}{}; renew them", who,
                       hint.empty() ? "" : ": ", hint);
  };
  switch (status) {
    case 401:
      return unknown();
    case 403:
      // A server that lets anonymous requests in takes credentials that it cannot use for none.
      if (said.contains("\"system:anonymous\"")) return unknown();
      // Also what admission says of a namespace that is being deleted.
      if (said.contains("being terminated")) return "wait until the namespace is gone";
      return fmt::format("grant with a {}: {}", request.namespace_name.empty() ? "ClusterRole" : "Role or ClusterRole",
                         rbac_rule(request));
    case 404:
      return request.name.empty() ? "does this server have the resource? see kubectl api-resources" : "";
    case 409:
      return "somebody else made or changed it meanwhile";
    case 410:
      return "the version is too old: list again";
    case 429:
      return "the server is overloaded or an API priority level is exhausted: see its flow control";
    default:
      return {};
  }
}

std::string one_line(std::string_view text) {
  std::string result(text.substr(0, 500));
  std::ranges::replace_if(result, [](char letter) { return static_cast<unsigned char>(letter) < ' '; }, ' ');
  return result;
}

}  // namespace

std::string status_message(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return {};
  const auto message = json.find("message");
  return message != json.end() && message->is_string() ? message->get<std::string>() : std::string();
}

std::string rbac_rule(const Request& request) {
  auto rule = fmt::format("{{apiGroups: [\"{}\"], resources: [{}], verbs: [{}]}}", request.group, request.resource,
                          request.verb);
  if (!request.namespace_name.empty()) rule += fmt::format(" in namespace {}", request.namespace_name);
  return rule;
}

Error api_error(const Request& request, unsigned status, std::string_view body, std::string_view who,
                std::string_view hint) {
  auto said = status_message(body);
  if (said.empty()) said = body;
  auto text = fmt::format("{} {}: HTTP {}", request.verb, object_of(request), status);
  if (!said.empty()) text += fmt::format(": {}", one_line(said));
  if (const auto remedy = remedy_of(request, status, said, who, hint); !remedy.empty())
    text += fmt::format("; {}", remedy);
  return {code_of(status), text};
}

}  // namespace conntruth::kube
