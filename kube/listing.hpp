#pragma once
// Lists in pages. Internal to the room.
// Source: kubernetes.io/docs/reference/using-api/api-concepts#retrieving-large-results-sets-in-chunks.
// Threading: the caller's thread.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "kube/client.hpp"
#include "kube/json_scan.hpp"

namespace conntruth::kube {

struct Page {
  std::string version;                  // metadata.resourceVersion
  std::string next;                     // metadata.continue; "": the last page
  std::vector<std::string_view> items;  // into the text; without apiVersion and kind
};
[[nodiscard]] Result<Page> read_page(std::string_view text);

struct ListVisitor {
  std::function<void()> begin;  // also when the list starts again from its beginning
  std::function<void(const ObjectMeta&, std::string_view object)> item;
};
using Fetch = std::function<Result<Response>(const Request&)>;  // an answer of any status

// The list's resourceVersion. 410 while going on (the list's version was compacted meanwhile): once more from the
// beginning, in one page. `refusal` turns an answer of 400 and above into the Error.
[[nodiscard]] Result<std::string> list_pages(const Fetch& fetch, const Request& request, std::uint32_t page,
                                             const ListVisitor& visitor,
                                             const std::function<Error(const Request&, const Response&)>& refusal);

// The same by a client, whose retries and errors are those of its calls.
[[nodiscard]] Result<std::string> list_pages(Client& client, const Request& request, std::uint32_t page,
                                             SteadyTime deadline, const ListVisitor& visitor);

}  // namespace conntruth::kube
