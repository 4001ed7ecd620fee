#pragma once
// The HTTP API of the controller: paths, the key, errors.
//
//   POST   /v1/runs                        body: options as JSON → 201 {"id": ...}; 409 while a run goes on
//   GET    /v1/runs                        the runs, oldest first
//   GET    /v1/runs/ID/events              server-sent events, from the header Last-Event-ID on
//   GET    /v1/runs/ID/report?format=F     json, yaml, table or wide; colour=1 where F is for people
//   GET    /v1/runs/ID/cells?id=CELL       what a cell was expected to do and did, as text
//   GET    /v1/runs/ID/bundle?cells=GLOBS evidence of the cells that failed, or that are named: a tar archive; empty
//                                         where no cell failed
//   DELETE /v1/runs/ID                     ends a run that goes on; 202 at once, its events tell when it has
//   GET    /healthz                        without key
//
// An error is {"error": "one line", "code": "not-found"} with the status of its code. Every request has the header
// X-Conntruth-Key. Events: "step" {"name", "total"}, "progress" {"done"}, "note" {"line"} and, as the last one, "end"
// {"error" (the run could not be done) or "exitCode"}. Threading: handle() from any thread.

#include <memory>
#include <string>

#include "common/result.hpp"
#include "controller/http/event_log.hpp"
#include "controller/http/server.hpp"

namespace conntruth::http {

// The runs, as whoever carries them out knows them. Functions from any thread.
class Runs {
 public:
  Runs() = default;
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  virtual ~Runs() = default;
  // Its id; `options` is JSON. kConflict while another run goes on, kInvalidInput names the field.
  [[nodiscard]] virtual Result<std::string> start(const std::string& options) = 0;
  [[nodiscard]] virtual Result<std::string> list() = 0;  // JSON
  [[nodiscard]] virtual Result<std::shared_ptr<const EventLog>> events(const std::string& id) = 0;
  [[nodiscard]] virtual Result<std::string> report(const std::string& id, const std::string& format, bool colour) = 0;
  [[nodiscard]] virtual Result<std::string> explain(const std::string& id, const std::string& cell) = 0;
  // `cells`: globs with commas between them; "" for those that failed.
  [[nodiscard]] virtual Result<std::string> bundle(const std::string& id, const std::string& cells) = 0;
  [[nodiscard]] virtual Status cancel(const std::string& id) = 0;
};

class Api {
 public:
  Api(Runs& runs, std::string key) : runs_(runs), key_(std::move(key)) {}
  [[nodiscard]] Reply handle(const Request& request) const;

 private:
  [[nodiscard]] Reply of_runs(const Request& request) const;
  [[nodiscard]] Reply of_run(const Request& request, const std::string& id, const std::string& part) const;

  Runs& runs_;
  std::string key_;
};

}  // namespace conntruth::http
