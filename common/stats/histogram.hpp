#pragma once
// Log-linear histogram of non-negative integers: every power of two is cut into 16 equal buckets, values below 32 have
// a bucket each. A bucket is at most 1/16 of its value wide, so a reported middle is at most 3.2 % off. The bucket is
// found with shifts only, so that kernel programs can use the same function and their counts merge exactly. Merging is
// commutative and associative. Values below 0 count as 0. Threading: a value; one writer.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace conntruth::stats {

[[nodiscard]] std::size_t bucket_of(std::uint64_t value);
[[nodiscard]] std::uint64_t bucket_low(std::size_t bucket);  // smallest value of the bucket
[[nodiscard]] std::uint64_t bucket_middle(std::size_t bucket);

class Histogram {
 public:
  void add(std::int64_t value);
  void merge(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }  // exact; 0 where empty
  // The middle of the bucket that holds the ceil(q * count)-th smallest value, never above max(); 0 where empty.
  [[nodiscard]] std::uint64_t quantile(double q) const;
  [[nodiscard]] const std::vector<std::uint64_t>& buckets() const { return buckets_; }  // up to the highest used one
  bool operator==(const Histogram&) const = default;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace conntruth::stats
