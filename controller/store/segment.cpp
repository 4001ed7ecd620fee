#include "controller/store/segment.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/wire/checksum.hpp"

namespace conntruth::store {

namespace {

constexpr std::string_view kMagic = "CTSEG1\r\n";
constexpr std::size_t kHeaderBytes = 16;
constexpr std::uint32_t kMaxFrameBytes = 128U << 20U;
constexpr int kCompressionLevel = 1;  // about 500 MB/s; higher levels gain a tenth at most on columns

std::uint32_t checksum(std::string_view bytes) {
  return wire::crc32c({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

void put_u32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>((value >> shift) & 0xFFU));
}

std::uint32_t get_u32(std::string_view bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<std::uint8_t>(bytes[offset + i])} << (8 * i);
  return value;
}

}  // namespace

SegmentWriter::SegmentWriter(File file)
    : file_(std::move(file)), end_(kMagic.size()), context_(ZSTD_createCCtx(), &ZSTD_freeCCtx) {}

Result<SegmentWriter> SegmentWriter::create(const std::filesystem::path& path) {
  auto file = File::create(path);
  if (!file) return std::unexpected(file.error());
  if (auto written = file->write_at(0, kMagic); !written) return std::unexpected(written.error());
  return SegmentWriter(std::move(*file));
}

Status SegmentWriter::append(std::string_view plain) {
  std::string stored(ZSTD_compressBound(plain.size()), '\0');
  const auto length =
      ZSTD_compressCCtx(context_.get(), stored.data(), stored.size(), plain.data(), plain.size(), kCompressionLevel);
  if (ZSTD_isError(length) != 0U || length > kMaxFrameBytes) {
    return fail(ErrorCode::kInternal,
                fmt::format("{}: a record of {} bytes cannot be stored", file_.path().string(), plain.size()));
  }
  stored.resize(length);
  std::string frame;
  frame.reserve(kHeaderBytes + length);
  put_u32(frame, static_cast<std::uint32_t>(length));
  put_u32(frame, static_cast<std::uint32_t>(plain.size()));
  put_u32(frame, checksum(stored));
  put_u32(frame, checksum(frame));
  frame += stored;
  if (auto written = file_.write_at(end_, frame); !written) {
    static_cast<void>(file_.truncate(end_));
    return written;
  }
  end_ += frame.size();
  return {};
}

SegmentReader::SegmentReader(File file, std::uint64_t size)
    : file_(std::move(file)), size_(size), offset_(kMagic.size()), context_(ZSTD_createDCtx(), &ZSTD_freeDCtx) {}

Result<SegmentReader> SegmentReader::open(const std::filesystem::path& path) {
  auto file = File::open_to_read(path);
  if (!file) return std::unexpected(file.error());
  const auto size = file->size();
  const auto magic = file->read_at(0, kMagic.size());
  if (!size || !magic) return std::unexpected(size ? magic.error() : size.error());
  if (!kMagic.starts_with(*magic)) {
    return fail(ErrorCode::kInvalidInput, path.string() + ": not a file of samples, or of another version");
  }
  return SegmentReader(std::move(*file), std::max<std::uint64_t>(*size, kMagic.size()));
}

std::nullopt_t SegmentReader::cut() {
  bytes_cut_ = size_ - offset_;
  offset_ = size_;
  return std::nullopt;
}

// What a crash leaves: less than a header, or only zeros that a later write should have filled.
Result<bool> SegmentReader::is_torn_end(std::string_view header) const {
  if (header.size() < kHeaderBytes) return true;
  if (std::ranges::any_of(header, [](char c) { return c != '\0'; })) return false;
  for (auto at = offset_; at < size_; at += kMaxFrameBytes / 128) {
    const auto rest = file_.read_at(at, kMaxFrameBytes / 128);
    if (!rest) return std::unexpected(rest.error());
    if (std::ranges::any_of(*rest, [](char c) { return c != '\0'; })) return false;
  }
  return true;
}

Result<std::optional<SegmentReader::Header>> SegmentReader::read_header() {
  if (offset_ >= size_) return std::nullopt;
  const auto left = static_cast<std::size_t>(std::min<std::uint64_t>(kHeaderBytes, size_ - offset_));
  const auto bytes = file_.read_at(offset_, left);
  if (!bytes) return std::unexpected(bytes.error());
  const bool whole = bytes->size() == kHeaderBytes;
  if (whole && checksum(std::string_view(*bytes).substr(0, 12)) == get_u32(*bytes, 12)) {
    const Header header{get_u32(*bytes, 0), get_u32(*bytes, 4), get_u32(*bytes, 8)};
    if (header.stored <= kMaxFrameBytes && header.plain <= kMaxFrameBytes) return header;
  } else {
    const auto torn = is_torn_end(*bytes);
    if (!torn) return std::unexpected(torn.error());
    if (*torn) return cut();
  }
  return fail(ErrorCode::kInvalidInput, fmt::format("{}: the frame at byte {} is damaged; what follows cannot be read",
                                                    file_.path().string(), offset_));
}

Result<std::optional<std::string>> SegmentReader::next() {
  const auto header = read_header();
  if (!header) return std::unexpected(header.error());
  if (!*header) return std::nullopt;
  const auto body = offset_ + kHeaderBytes;
  const auto damaged = [this] {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}: the frame at byte {} is damaged; what follows cannot be read", file_.path().string(),
                            offset_));
  };
  if (body + (*header)->stored > size_) return cut();
  const auto stored = file_.read_at(body, (*header)->stored);
  if (!stored) return std::unexpected(stored.error());
  const bool last = body + (*header)->stored == size_;
  if (stored->size() != (*header)->stored || checksum(*stored) != (*header)->checksum) {
    if (last) return cut();
    return damaged();
  }
  std::string plain((*header)->plain, '\0');
  const auto length = ZSTD_decompressDCtx(context_.get(), plain.data(), plain.size(), stored->data(), stored->size());
  if (length != plain.size()) return damaged();
  offset_ = body + (*header)->stored;
  return plain;
}

}  // namespace conntruth::store
