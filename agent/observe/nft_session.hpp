#pragma once
// nft commands in one network namespace, through libnftables. What a session makes with the flag `owner` is removed by
// the kernel when the session ends, however it ends (NFT_TABLE_F_OWNER, Linux 5.12).
// Errors: kPermission where it does not open; kUnsupported with nft's own first line where a command is refused.
// Threading: on NftThreads alone, from opening to end: they let one work at a time, as libnftables keeps names of
// devices for all.

#include <cstdint>
#include <memory>
#include <string>

#include "common/result.hpp"

struct nft_ctx;

namespace conntruth::observe {

class NftSession {
 public:
  // What it prints. kRules: handles, no counters, no elements of named sets, priorities as numbers. kEverything: as
  // `nft -a -y` does.
  enum class Shows : std::uint8_t { kRules, kEverything };
  // Of the calling thread's network namespace, for life.
  [[nodiscard]] static Result<NftSession> open(Shows shows = Shows::kRules);
  [[nodiscard]] Result<std::string> run(const std::string& commands);

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };
  explicit NftSession(nft_ctx* context) : context_(context) {}
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace conntruth::observe
