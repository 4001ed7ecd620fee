#include "kube/object_index.hpp"

#include <algorithm>

namespace conntruth::kube {

using Kind = ObjectEvent::Kind;

ObjectIndex::Kinds ObjectIndex::seen(const ObjectMeta& meta) {
  const auto [entry, added] = known_.try_emplace(meta.key, Known{meta.uid, meta.version, epoch_});
  if (added) return {Kind::kAdded};
  auto& known = entry->second;
  const bool another = known.uid != meta.uid;
  const bool same = !another && known.version == meta.version;
  known = {meta.uid, meta.version, epoch_};
  if (same) return {};
  // Deleted and made again while we did not look: two events, as a watch would have shown.
  return another ? Kinds{Kind::kDeleted, Kind::kAdded} : Kinds{Kind::kModified};
}

ObjectIndex::Kinds ObjectIndex::listed(const ObjectMeta& meta) { return seen(meta); }

std::vector<std::string> ObjectIndex::end_list() {
  std::vector<std::string> missing;
  for (const auto& [key, known] : known_) {
    if (known.epoch != epoch_) missing.push_back(key);
  }
  std::ranges::sort(missing);
  for (const auto& key : missing) known_.erase(key);
  return missing;
}

ObjectIndex::Kinds ObjectIndex::watched(WatchLine::Type type, const ObjectMeta& meta) {
  if (type != WatchLine::Type::kDeleted) return seen(meta);
  return known_.erase(meta.key) == 0 ? Kinds{} : Kinds{Kind::kDeleted};
}

}  // namespace conntruth::kube
