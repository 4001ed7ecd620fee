#pragma once
// Append-only segments: frames of compressed bytes that survive a crash by losing at most the last one.
//
//   file:  "CTSEG1\r\n" frame*
//   frame: u32 stored length, u32 plain length, u32 CRC32c of the stored bytes, u32 CRC32c of these twelve bytes,
//          then the stored bytes (zstd). All little-endian.
//
// The header has a checksum of its own, so that a torn end (the file stops inside a frame, or holds zeros that were
// never written) can be told from damage in the middle. Inside this room only.

#include <zstd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "controller/store/file.hpp"

namespace conntruth::store {

class SegmentWriter {
 public:
  [[nodiscard]] static Result<SegmentWriter> create(const std::filesystem::path& path);
  // Whole or not at all: what a full disk let through of a frame is taken back.
  [[nodiscard]] Status append(std::string_view plain);
  [[nodiscard]] Status sync() { return file_.sync(); }

 private:
  explicit SegmentWriter(File file);
  File file_;
  std::uint64_t end_ = 0;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
};

class SegmentReader {
 public:
  [[nodiscard]] static Result<SegmentReader> open(const std::filesystem::path& path);
  // The next frame's plain bytes; none at the end. kInvalidInput for damage before the end.
  [[nodiscard]] Result<std::optional<std::string>> next();
  [[nodiscard]] std::uint64_t bytes_cut() const { return bytes_cut_; }

 private:
  struct Header {
    std::uint32_t stored = 0;
    std::uint32_t plain = 0;
    std::uint32_t checksum = 0;
  };
  SegmentReader(File file, std::uint64_t size);
  [[nodiscard]] Result<std::optional<Header>> read_header();
  [[nodiscard]] Result<bool> is_torn_end(std::string_view header) const;
  std::nullopt_t cut();

  File file_;
  std::uint64_t size_;
  std::uint64_t offset_;
  std::uint64_t bytes_cut_ = 0;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
};

}  // namespace conntruth::store
