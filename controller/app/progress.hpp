#pragma once
// Progress of a long command on stderr: one bar that redraws itself on a terminal, one line per step elsewhere.
// Results never go through here. Threading: one thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace conntruth::app {

class Progress {
 public:
  // `quiet` prints nothing.
  explicit Progress(bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Starts a step of `total` units (0: not countable). The step before it is finished.
  void step(std::string_view name, std::uint64_t total);
  // Units done of the present step; cheap to call often, draws at most when a whole per cent was gained.
  void done(std::uint64_t units);
  // One line that stays, above the bar.
  void note(std::string_view line);
  void finish();

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
