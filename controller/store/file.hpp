#pragma once
// Files of a run: the few system calls, with errors that name the path. Inside this room only.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "common/result.hpp"

namespace conntruth::store {

class File {
 public:
  File() = default;
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&& other) noexcept;
  ~File();

  [[nodiscard]] static Result<File> create(const std::filesystem::path& path);  // kConflict where it exists
  [[nodiscard]] static Result<File> open_to_read(const std::filesystem::path& path);
  [[nodiscard]] static Result<File> open_to_write(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] Result<std::uint64_t> size() const;
  // All bytes or an error; kResource where the disk is full.
  [[nodiscard]] Status write_at(std::uint64_t offset, std::string_view bytes);
  // Exactly `length` bytes, fewer at the end of the file.
  [[nodiscard]] Result<std::string> read_at(std::uint64_t offset, std::size_t length) const;
  [[nodiscard]] Status truncate(std::uint64_t size);
  [[nodiscard]] Status sync();

 private:
  File(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  [[nodiscard]] static Result<File> open(const std::filesystem::path& path, int flags);
  int fd_ = -1;
  std::filesystem::path path_;
};

[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
// Whole or not at all: writes a file beside it and renames.
[[nodiscard]] Status replace_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace conntruth::store
