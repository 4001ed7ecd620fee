#pragma once
// Takes runs from clients and has them carried out, one at a time, on a thread of its own. What a run says goes into a
// log that any number of clients may read, now or later; none of them going away ends it.
//
// A run of an earlier life of this process is known from the store: its log has its end alone. Threading: all functions
// from any thread; the destructor ends the run that goes on and waits for it.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "controller/app/progress.hpp"
#include "controller/app/run_request.hpp"
#include "controller/http/api.hpp"
#include "controller/report/report.hpp"
#include "controller/store/run_store.hpp"

namespace conntruth::app {

class RunDesk final : public http::Runs {
 public:
  using Work = std::function<Result<report::Report>(const RunRequest& request, const std::string& id,
                                                    Progress& progress, const std::atomic<bool>& interrupted)>;
  // `keep`: so many runs stay in the store, the oldest go first.
  RunDesk(store::RunStore runs, std::size_t keep, Work work);
  ~RunDesk() override;

  [[nodiscard]] Result<std::string> start(const std::string& options) override;
  [[nodiscard]] Result<std::string> list() override;
  [[nodiscard]] Result<std::shared_ptr<const http::EventLog>> events(const std::string& id) override;
  [[nodiscard]] Result<std::string> report(const std::string& id, const std::string& format, bool colour) override;
  [[nodiscard]] Result<std::string> explain(const std::string& id, const std::string& cell) override;
  [[nodiscard]] Result<std::string> bundle(const std::string& id, const std::string& cells) override;
  [[nodiscard]] Status cancel(const std::string& id) override;

 private:
  void carry_out(const RunRequest& request, const std::string& id, http::EventLog& log);
  void prune() const;
  [[nodiscard]] Result<report::Report> finished(const std::string& id);

  const store::RunStore runs_;
  const std::size_t keep_;
  const Work work_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<http::EventLog>> logs_;  // of this life's runs, the newest few
  std::string current_;                                          // "": none
  std::atomic<bool> interrupted_{false};
  std::thread thread_;
};

}  // namespace conntruth::app
