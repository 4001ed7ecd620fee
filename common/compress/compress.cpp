#include "common/compress/compress.hpp"

#include <zstd.h>

namespace conntruth {

namespace {

constexpr int kLevel = 3;

}  // namespace

std::string compress(std::string_view plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  const auto size = ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), kLevel);
  packed.resize(ZSTD_isError(size) != 0U ? 0 : size);  // it has room for the worst, and no other error
  return packed;
}

Result<std::string> decompress(std::string_view packed, std::size_t most) {
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > most)
    return fail(ErrorCode::kInvalidInput, "what was compressed is damaged, or longer than it may be");
  std::string plain(size, '\0');
  const auto got = ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0U || got != size) return fail(ErrorCode::kInvalidInput, "what was compressed is damaged");
  return plain;
}

}  // namespace conntruth
