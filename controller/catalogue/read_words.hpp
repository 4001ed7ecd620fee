#pragma once
// Fields whose text is one of a few words. Internal to the room.

#include <vector>

#include "common/world/fields.hpp"
#include "controller/catalogue/words.hpp"

namespace conntruth::catalogue {

template <typename T, std::size_t N>
T read_word(const world::Field& field, const Words<T, N>& words, T otherwise) {
  const auto index = field.one_of(words.words);
  return index ? words.values.at(*index) : otherwise;
}

template <typename T, std::size_t N>
std::vector<T> read_words(const world::Field& list, const Words<T, N>& words) {
  std::vector<T> result;
  for (const auto& item : list.items()) {
    if (const auto index = item.one_of(words.words)) result.push_back(words.values.at(*index));
  }
  return result;
}

}  // namespace conntruth::catalogue
