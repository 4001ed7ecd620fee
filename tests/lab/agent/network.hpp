#pragma once
// Three network namespaces in a row, of this process only: client 10.1.0.2 — router — server 10.2.0.2 (fd01::2,
// fd02::2). Nobody but our descriptors holds them, so that they vanish with the process however it ends.

#include <memory>
#include <string>

#include "agent/io/fd.hpp"

namespace conntruth::tests {

class Namespace {
 public:
  Namespace();
  [[nodiscard]] const std::string& path() const { return path_; }
  void run(const std::string& script) const;  // by sh, inside; the test fails where it does
  // A base chain of nft's table `t`: kind as in "filter hook forward priority 0".
  void chain(const std::string& kind, const std::string& rules) const;
  [[nodiscard]] std::string output(const std::string& script) const;

 private:
  io::Fd fd_;
  std::string path_;
};

struct Network {
  Namespace client;
  Namespace router;
  Namespace server;
  Network();
};

[[nodiscard]] bool is_root();

}  // namespace conntruth::tests
