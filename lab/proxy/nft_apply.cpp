#include "lab/proxy/nft_apply.hpp"

#include <nftables/libnftables.h>

#include <string_view>

namespace conntruth::lab_proxy {
namespace {

// nft prints "file:line:columns: Error: text", the command, and a row of carets, for each command that failed. The
// first two lines tell which and why.
std::string first_failure(std::string_view text) {
  const auto head = text.substr(0, text.find('\n'));
  auto rest = text.substr(std::min(text.size(), head.size() + 1));
  const auto command = rest.substr(0, rest.find('\n'));
  return std::string(head) + " at: " + std::string(command.substr(0, 300));
}

}  // namespace

void Nftables::Free::operator()(nft_ctx* context) const { nft_ctx_free(context); }

Result<Nftables> Nftables::open() {
  auto* context = nft_ctx_new(NFT_CTX_DEFAULT);
  if (context == nullptr) return fail(ErrorCode::kPermission, "nftables does not open; CAP_NET_ADMIN is needed");
  Nftables nftables(context);
  if (nft_ctx_buffer_error(context) != 0) return fail(ErrorCode::kResource, "no memory for the messages of nftables");
  return nftables;
}

Status Nftables::apply(const std::string& commands) {
  if (commands.empty()) return {};
  if (nft_run_cmd_from_buffer(context_.get(), commands.c_str()) == 0) return {};
  const auto* text = nft_ctx_get_error_buffer(context_.get());
  return fail(ErrorCode::kInternal, "nftables refused the change: " + first_failure(text == nullptr ? "" : text));
}

}  // namespace conntruth::lab_proxy
