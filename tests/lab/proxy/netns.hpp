#pragma once
// A network namespace that lives as long as the object: nothing of it has a name outside of this process.
// For tests of one thread: in() moves the calling thread there and back.

#include <functional>
#include <string>

namespace conntruth::lab_proxy::test {

class Netns {
 public:
  Netns();
  ~Netns();
  Netns(const Netns&) = delete;
  Netns& operator=(const Netns&) = delete;

  void in(const std::function<void()>& work) const;
  // Runs `sh -ec SCRIPT` inside; a failure fails the test. Returns what it printed.
  std::string sh(const std::string& script) const;
  // A path by which other programs find it while this process lives.
  [[nodiscard]] std::string path() const;

 private:
  int home_ = -1;
  int fd_ = -1;
};

}  // namespace conntruth::lab_proxy::test
