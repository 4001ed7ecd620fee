#include "kube/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <iterator>

namespace conntruth::kube {

Result<std::string> decode_base64(std::string_view text) {
  std::string packed;
  std::ranges::copy_if(text, std::back_inserter(packed),
                       [](char c) { return !std::string_view(" \t\r\n").contains(c); });
  std::string bytes(packed.size() / 4 * 3, '\0');
  const auto size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(packed.data()), static_cast<int>(packed.size()));
  if (packed.size() % 4 != 0 || size < 0) return fail(ErrorCode::kInvalidInput, "is no base64");
  bytes.resize(static_cast<std::size_t>(size) - static_cast<std::size_t>(std::ranges::count(packed, '=')));
  return bytes;
}

std::string encode_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends it with a zero byte
  const auto size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace conntruth::kube
