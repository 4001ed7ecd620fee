#pragma once
// What happens to entries of connection tracking on this node while the object is attached: all that there are before
// and afterwards, and by ctnetlink's events every one that comes, changes and goes. Lives are told of the flows alone
// that the packet walk saw. Nothing is changed or deleted; the kernel makes events only while somebody listens, and of
// entries that are older than that it may tell none, which is what the two dumps are for.
//
// Needs CAP_NET_ADMIN in each namespace. Threading: one thread at a time, but saw() may run beside drain(), and lost()
// is for any.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/entry_life.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

class EntryWatch {
 public:
  // Name → path of the network namespace; the caller's own, "", is always looked at. An error where that one cannot be;
  // of the others unavailable() tells.
  [[nodiscard]] static Result<EntryWatch> attach(const std::map<NamespaceName, std::string>& places);

  EntryWatch(EntryWatch&&) noexcept;
  EntryWatch& operator=(EntryWatch&&) noexcept;
  EntryWatch(const EntryWatch&) = delete;
  EntryWatch& operator=(const EntryWatch&) = delete;
  ~EntryWatch();

  [[nodiscard]] std::vector<int> fds() const;  // readable (epoll) while events wait
  // Takes in what waits.
  void drain();
  // Hops of the packet walk that is attached at the same time: their flows are the ones that lives are told of.
  void saw(const std::vector<Hop>& hops);
  // Lists all entries again, takes in what waits, and ends listening. Once; no hops are heard of afterwards.
  [[nodiscard]] std::vector<EntryLife> detach();

  // Messages for which there was no room, here or in the kernel, which does not tell how many: one at least.
  [[nodiscard]] std::uint64_t lost() const;
  // What is not seen here and why, a line each.
  [[nodiscard]] const std::vector<std::string>& unavailable() const;

 private:
  struct State;
  explicit EntryWatch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace conntruth::observe
