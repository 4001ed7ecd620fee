#include "kube/listing.hpp"

namespace conntruth::kube {
namespace {

constexpr unsigned kGone = 410;

// A member that is absent is ""; one that is there must be understood: a token taken for absent would end the list
// early.
Result<std::string> text_of(const std::vector<Member>& members, std::string_view key) {
  const auto value = find_member(members, key);
  if (!value) return std::string();
  const auto text = plain_text(*value);
  if (!text) return fail(ErrorCode::kInvalidInput, "metadata." + std::string(key) + " is no plain text");
  return std::string(*text);
}

}  // namespace

Result<Page> read_page(std::string_view text) {
  const auto members = scan_members(text);
  if (!members) return std::unexpected(members.error().in("list"));
  const auto metadata = scan_members(find_member(*members, "metadata").value_or("{}"));
  if (!metadata) return std::unexpected(metadata.error().in("list: metadata"));
  auto version = text_of(*metadata, "resourceVersion");
  auto next = text_of(*metadata, "continue");
  if (!version) return std::unexpected(version.error().in("list"));
  if (!next) return std::unexpected(next.error().in("list"));
  const auto items = find_member(*members, "items").value_or("null");
  if (items == "null") return Page{std::move(*version), std::move(*next), {}};
  auto scanned = scan_items(items);
  if (!scanned) return std::unexpected(scanned.error().in("list: items"));
  return Page{std::move(*version), std::move(*next), std::move(*scanned)};
}

Result<std::string> list_pages(const Fetch& fetch, const Request& request, std::uint32_t page,
                               const ListVisitor& visitor,
                               const std::function<Error(const Request&, const Response&)>& refusal) {
  std::string next;
  bool paged = page > 0;
  visitor.begin();
  while (true) {
    auto one = request;
    if (paged) one.query.emplace_back("limit", std::to_string(page));
    if (!next.empty()) one.query.emplace_back("continue", next);
    const auto response = fetch(one);
    if (!response) return std::unexpected(response.error());
    if (response->status == kGone && !next.empty()) {
      paged = false;
      next.clear();
      visitor.begin();
      continue;
    }
    if (response->status >= 400) return std::unexpected(refusal(one, *response));
    const auto read = read_page(response->body);
    if (!read) return std::unexpected(read.error());
    for (const auto item : read->items) {
      const auto meta = scan_meta(item);
      if (!meta) return std::unexpected(meta.error().in("list"));
      visitor.item(*meta, item);
    }
    if (read->next.empty()) return read->version;
    next = read->next;
  }
}

// Not by call(): to that a 410 is an error like others.
Result<std::string> list_pages(Client& client, const Request& request, std::uint32_t page, SteadyTime deadline,
                               const ListVisitor& visitor) {
  return list_pages([&](const Request& one) { return client.exchange(one, deadline); }, request, page, visitor,
                    [&](const Request& one, const Response& answer) { return client.refusal(one, answer); });
}

}  // namespace conntruth::kube
