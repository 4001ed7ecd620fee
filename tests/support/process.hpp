#pragma once
// A program run by a test, with its output. No sleeps: waiting is on the process itself or on its next output line.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace conntruth::support {

class Process {
 public:
  // Starts argv[0] with stdin from /dev/null and `environment` ("NAME=value") added to ours.
  explicit Process(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});
  ~Process();  // SIGKILL where it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Reads on until stderr contains `text`; false where the process ended or the time passed first.
  [[nodiscard]] bool wait_for_error_text(const std::string& text, std::chrono::seconds within);
  // Exit status as a shell gives it (128 + signal); -1 where the time passed first.
  [[nodiscard]] int wait(std::chrono::seconds within);

  [[nodiscard]] const std::string& out() const { return out_; }
  [[nodiscard]] const std::string& err() const { return err_; }

 private:
  bool read_some(int milliseconds);  // false: both pipes are at their end
  pid_t pid_ = -1;
  int out_pipe_ = -1;
  int err_pipe_ = -1;
  int status_ = -1;
  std::string out_;
  std::string err_;
};

struct Finished {
  int status = -1;
  std::string out;
  std::string err;
};

// Runs to the end; two minutes are the bound of any command in our tests.
[[nodiscard]] Finished run_process(const std::vector<std::string>& argv,
                                   const std::vector<std::string>& environment = {});

}  // namespace conntruth::support
