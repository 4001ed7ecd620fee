#pragma once
// Runs nft commands as one transaction of the network namespace the object was made in (nf_tables through libnftables).
// Either all of them are in the kernel when apply() returns, or none. Errors: kPermission without CAP_NET_ADMIN,
// kInternal with nft's own message and the line it is about. Threading: one thread per object.

#include <memory>
#include <string>

#include "common/result.hpp"

struct nft_ctx;

namespace conntruth::lab_proxy {

class Nftables {
 public:
  [[nodiscard]] static Result<Nftables> open();
  [[nodiscard]] Status apply(const std::string& commands);

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };
  explicit Nftables(nft_ctx* context) : context_(context) {}
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace conntruth::lab_proxy
