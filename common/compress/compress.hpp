#pragma once
// Texts made short for the way and the store (zstd). Pure; threading: any.

#include <string>
#include <string_view>

#include "common/result.hpp"

namespace conntruth {

[[nodiscard]] std::string compress(std::string_view plain);
// kInvalidInput where it is no whole zstd frame, or one of more than `most` bytes.
[[nodiscard]] Result<std::string> decompress(std::string_view packed, std::size_t most);

}  // namespace conntruth
