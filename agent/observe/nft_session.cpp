#include "agent/observe/nft_session.hpp"

#include <nftables/libnftables.h>

namespace conntruth::observe {

namespace {

std::string first_line(const char* text) {
  const std::string whole = text == nullptr ? "" : text;
  return whole.substr(0, whole.find('\n'));
}

}  // namespace

void NftSession::Free::operator()(nft_ctx* context) const { nft_ctx_free(context); }

Result<NftSession> NftSession::open(Shows shows) {
  auto* context = nft_ctx_new(NFT_CTX_DEFAULT);
  if (context == nullptr) return fail(ErrorCode::kPermission, "nftables does not open; CAP_NET_ADMIN is needed");
  NftSession session(context);
  constexpr unsigned kShort = NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_TERSE;
  nft_ctx_output_set_flags(context,
                           NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_NUMERIC_PRIO | (shows == Shows::kRules ? kShort : 0));
  if (nft_ctx_buffer_output(context) != 0 || nft_ctx_buffer_error(context) != 0)
    return fail(ErrorCode::kResource, "no memory for what nftables prints");
  return session;
}

Result<std::string> NftSession::run(const std::string& commands) {
  if (nft_run_cmd_from_buffer(context_.get(), commands.c_str()) != 0)
    return fail(ErrorCode::kUnsupported, first_line(nft_ctx_get_error_buffer(context_.get())));
  const auto* text = nft_ctx_get_output_buffer(context_.get());
  nft_ctx_get_error_buffer(context_.get());  // warnings: read, they are gone
  return std::string(text == nullptr ? "" : text);
}

}  // namespace conntruth::observe
