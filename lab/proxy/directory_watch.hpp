#pragma once
// Tells when a file in a directory was replaced (rename over it) or written, by inotify on the directory, so that the
// file need not exist yet. Errors: kNotFound without the directory. Threading: one thread per object.

#include <string>

#include "common/result.hpp"

namespace conntruth::lab_proxy {

class DirectoryWatch {
 public:
  [[nodiscard]] static Result<DirectoryWatch> open(const std::string& path_of_file);
  DirectoryWatch(DirectoryWatch&& other) noexcept;
  DirectoryWatch& operator=(DirectoryWatch&&) = delete;
  ~DirectoryWatch();

  [[nodiscard]] int fd() const { return fd_; }  // readable when something happened in the directory
  // Takes all pending events; true if one was about the file, or if events were lost.
  [[nodiscard]] bool drain();

 private:
  DirectoryWatch(int fd, std::string file) : fd_(fd), file_(std::move(file)) {}
  int fd_ = -1;
  std::string file_;
};

}  // namespace conntruth::lab_proxy
