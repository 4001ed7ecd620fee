#include "agent/observe/kernel_symbols.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace conntruth::observe {
namespace {

class Symbols : public testing::Test {
 protected:
  void write(const std::string& text) const { std::ofstream(path_) << text; }
  ~Symbols() override { std::filesystem::remove(path_); }
  const std::string path_ = testing::TempDir() + "symbols_" + std::to_string(getpid());
};

TEST_F(Symbols, an_address_is_in_the_last_function_before_it) {
  write(
      "ffffffff81000000 T _stext\n"
      "ffffffff81000100 t ip_rcv.part.0\n"
      "ffffffff81000150 D some_data\n"
      "ffffffffc0000000 t nft_do_chain\t[nf_tables]\n"
      "ffffffff81000200 W weak\n");
  KernelSymbols symbols(path_);
  EXPECT_EQ(symbols.function_at(0xffffffff81000100), "ip_rcv");
  EXPECT_EQ(symbols.function_at(0xffffffff810001ff), "ip_rcv");
  EXPECT_EQ(symbols.function_at(0xffffffff81000204), "weak");
  EXPECT_EQ(symbols.function_at(0xffffffffc0000010), "nft_do_chain");
  EXPECT_EQ(symbols.function_at(0xffffffffd0000010), "") << "far behind the last one";
  EXPECT_EQ(symbols.function_at(7), "") << "before the first one";
}

TEST_F(Symbols, addresses_that_are_hidden_name_nothing) {
  write("0000000000000000 T _stext\n0000000000000000 t ip_rcv\n");
  EXPECT_EQ(KernelSymbols(path_).function_at(0xffffffff81000100), "");
}

TEST_F(Symbols, bytes_that_are_no_list_name_nothing) {
  write("\n\xff\xff T\nfff\nffffffffffffffffffff T long\n12 T\n12\n1 T x");
  EXPECT_EQ(KernelSymbols(path_).function_at(2), "x");
  EXPECT_EQ(KernelSymbols("/nonexistent").function_at(2), "");
}

}  // namespace
}  // namespace conntruth::observe
