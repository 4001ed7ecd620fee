#pragma once
// Progress of a long command. On stderr: one bar that redraws itself on a terminal, one line per step elsewhere.
// Results never go through here. Threading: one thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace conntruth::app {

class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  virtual ~Progress() = default;

  // Starts a step of `total` units (0: not countable). The step before it is finished.
  virtual void step(std::string_view name, std::uint64_t total) = 0;
  // Units done of the present step; cheap to call often.
  virtual void done(std::uint64_t units) = 0;
  // One line that stays.
  virtual void note(std::string_view line) = 0;
  virtual void finish() = 0;
};

class TerminalProgress final : public Progress {
 public:
  // `quiet` prints nothing.
  explicit TerminalProgress(bool quiet);
  ~TerminalProgress() override;

  void step(std::string_view name, std::uint64_t total) override;
  void done(std::uint64_t units) override;    // draws at most when a whole per cent was gained
  void note(std::string_view line) override;  // above the bar
  void finish() override;

 private:
  void draw();
  bool quiet_;
  bool terminal_;
  bool open_ = false;  // a bar is on the screen without a newline
  std::string name_;
  std::uint64_t total_ = 0;
  std::uint64_t units_ = 0;
  std::uint64_t drawn_ = ~0ULL;
};

}  // namespace conntruth::app
