#include "common/compress/compress.hpp"

#include <gtest/gtest.h>

namespace conntruth {
namespace {

TEST(Compress, text_comes_back_as_it_was_and_is_short_on_its_way) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "  ip daddr 10.96.0.10 tcp dport 80 goto service\n";
  const auto packed = compress(text);
  EXPECT_LT(packed.size() * 20, text.size());
  EXPECT_EQ(decompress(packed, text.size()), text);
  EXPECT_EQ(decompress(compress(""), 0), "");
}

TEST(Compress, what_is_longer_than_wanted_or_damaged_is_refused) {
  const auto packed = compress(std::string(1000, 'x'));
  EXPECT_TRUE(decompress(packed, 1000));
  EXPECT_FALSE(decompress(packed, 999));
  EXPECT_FALSE(decompress("", 1000));
  EXPECT_FALSE(decompress("not compressed", 1000));
  for (std::size_t size = 0; size < packed.size(); ++size) EXPECT_FALSE(decompress(packed.substr(0, size), 1000));
}

}  // namespace
}  // namespace conntruth
