#include "controller/http/api.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

namespace conntruth::http {
namespace {

constexpr std::string_view kRuns = "/v1/runs";

unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput:
      return 400;
    case ErrorCode::kPermission:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kUnsupported:
      return 422;
    case ErrorCode::kUnavailable:
    case ErrorCode::kResource:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

Reply json(unsigned status, std::string body) { return {status, "application/json", std::move(body), {}, 0}; }

Reply refused(unsigned status, const Error& error) {
  const nlohmann::json body = {{"error", error.message}, {"code", to_string(error.code)}};
  return json(status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

Reply refused(const Error& error) { return refused(status_of(error.code), error); }

Reply no_such_path() {
  return refused({ErrorCode::kNotFound, "there is nothing at this path; the API begins at /v1/runs"});
}

// In a time that does not depend on where they differ.
bool same(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return difference == 0;
}

std::string value(const std::map<std::string, std::string>& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? std::string() : found->second;
}

std::uint64_t number(const std::string& text) {
  std::uint64_t result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

Reply text(const Result<std::string>& result, const char* type = "text/plain; charset=utf-8") {
  if (!result) return refused(result.error());
  return {200, type, *result, {}, 0};
}

Reply events_of(const Request& request, const Result<std::shared_ptr<const EventLog>>& log) {
  if (!log) return refused(log.error());
  Reply reply;
  reply.events = *log;
  reply.after = number(value(request.headers, "last-event-id"));
  return reply;
}

}  // namespace

Reply Api::handle(const Request& request) const {
  if (request.path == "/healthz") return {200, "text/plain", "ok\n", {}, 0};
  if (!same(value(request.headers, "x-conntruth-key"), key_)) {
    return refused(401, {ErrorCode::kPermission,
                         "the header X-Conntruth-Key is missing or wrong; it is the field `key` of the Secret "
                         "conntruth-key, made anew when that was deleted and the controller restarted"});
  }
  if (request.path == kRuns) return of_runs(request);
  if (!request.path.starts_with(std::string(kRuns) + "/")) return no_such_path();
  const auto rest = request.path.substr(kRuns.size() + 1);
  const auto slash = rest.find('/');
  return of_run(request, rest.substr(0, slash), slash == std::string::npos ? "" : rest.substr(slash + 1));
}

Reply Api::of_runs(const Request& request) const {
  if (request.method == "GET") {
    const auto list = runs_.list();
    return list ? json(200, *list) : refused(list.error());
  }
  if (request.method != "POST") return refused(405, {ErrorCode::kInvalidInput, "only GET and POST are known here"});
  const auto id = runs_.start(request.body);
  return id ? json(201, nlohmann::json{{"id", *id}}.dump() + "\n") : refused(id.error());
}

Reply Api::of_run(const Request& request, const std::string& id, const std::string& part) const {
  if (part.empty() && request.method == "DELETE") {
    const auto ended = runs_.cancel(id);
    return ended ? json(202, "{}\n") : refused(ended.error());
  }
  if (request.method != "GET") return refused(405, {ErrorCode::kInvalidInput, "this method is not known here"});
  if (part == "events") return events_of(request, runs_.events(id));
  if (part == "report") {
    const auto format = value(request.query, "format");
    const auto* type = format == "json" ? "application/json" : "text/plain; charset=utf-8";
    return text(runs_.report(id, format.empty() ? "json" : format, value(request.query, "colour") == "1"), type);
  }
  if (part == "cells") return text(runs_.explain(id, value(request.query, "id")));
  if (part == "bundle") return text(runs_.bundle(id, value(request.query, "cells")), "application/x-tar");
  return no_such_path();
}

}  // namespace conntruth::http
