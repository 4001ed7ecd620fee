#include "controller/bundle/tar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace conntruth::bundle {

namespace {

constexpr std::size_t kBlock = 512;

// Fields of a header: POSIX.1-1988, `struct posix_header` of tar.h.
struct Field {
  std::size_t at;
  std::size_t size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUser{108, 8}, kGroup{116, 8}, kSize{124, 12}, kTime{136, 12},
    kChecksum{148, 8}, kType{156, 1}, kMagic{257, 8};

void put(std::string& header, Field field, std::string_view text) {
  std::memcpy(header.data() + field.at, text.data(), std::min(text.size(), field.size));
}

// Octal digits to the end of the field, whose last byte stays zero.
void put_number(std::string& header, Field field, std::uint64_t number) {
  put(header, field, fmt::format("{:0{}o}", number, field.size - 1));
}

}  // namespace

std::string tar_header(std::string_view name, std::uint64_t size, std::int64_t unix_s) {
  std::string header(kBlock, '\0');
  put(header, kName, name);
  put_number(header, kMode, 0644);
  put_number(header, kUser, 0);
  put_number(header, kGroup, 0);
  put_number(header, kSize, size);
  put_number(header, kTime, static_cast<std::uint64_t>(unix_s));
  put(header, kType, "0");
  put(header, kMagic, std::string_view("ustar\00000", 8));
  put(header, kChecksum, "        ");  // as it counts while the sum is made
  const auto sum = std::accumulate(header.begin(), header.end(), 0U,
                                   [](unsigned total, char c) { return total + static_cast<unsigned char>(c); });
  put(header, kChecksum, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header;
}

std::string tar_padding(std::uint64_t size) { return std::string((kBlock - size % kBlock) % kBlock, '\0'); }

std::string tar_end() { return std::string(2 * kBlock, '\0'); }

}  // namespace conntruth::bundle
