#pragma once
// A tar archive (POSIX.1-1988 ustar), written file by file. Pure. Threading: one thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace conntruth::bundle {

inline constexpr std::size_t kMostTarName = 100;

// What stands before the bytes of a file. `name` has at most kMostTarName bytes; `unix_s` is its time.
[[nodiscard]] std::string tar_header(std::string_view name, std::uint64_t size, std::int64_t unix_s);
// What stands behind them.
[[nodiscard]] std::string tar_padding(std::uint64_t size);
// The end of the archive.
[[nodiscard]] std::string tar_end();

}  // namespace conntruth::bundle
