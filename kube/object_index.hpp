#pragma once
// Which objects a reflector has delivered, in which version: so that a list becomes a difference and nothing comes
// twice. Internal to the room. Threading: one thread.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "kube/json_scan.hpp"
#include "kube/reflector.hpp"
#include "kube/watch_stream.hpp"

namespace conntruth::kube {

class ObjectIndex {
 public:
  using Kinds = std::vector<ObjectEvent::Kind>;  // what to deliver, in order; empty: nothing new

  void begin_list() { ++epoch_; }
  [[nodiscard]] Kinds listed(const ObjectMeta& meta);
  // Keys of objects that the list did not have, sorted; they are forgotten.
  [[nodiscard]] std::vector<std::string> end_list();
  [[nodiscard]] Kinds watched(WatchLine::Type type, const ObjectMeta& meta);
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::string uid;
    std::string version;
    std::uint64_t epoch = 0;
  };
  [[nodiscard]] Kinds seen(const ObjectMeta& meta);

  std::unordered_map<std::string, Known> known_;
  std::uint64_t epoch_ = 0;
};

}  // namespace conntruth::kube
