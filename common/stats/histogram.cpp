#include "common/stats/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace conntruth::stats {

namespace {
constexpr unsigned kBits = 4;  // 16 buckets per power of two
constexpr std::uint64_t kLinear = 2U << kBits;
}  // namespace

// Below 32 the value itself. Above, `shift` brings the value's top five bits to 16..31, and each shift has 16 buckets.
std::size_t bucket_of(std::uint64_t value) {
  if (value < kLinear) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - (kBits + 1);
  return (std::size_t{shift} << kBits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t bucket_low(std::size_t bucket) {
  if (bucket < kLinear) return bucket;
  const auto shift = (bucket >> kBits) - 1;
  return (std::uint64_t{bucket} - (std::uint64_t{shift} << kBits)) << shift;
}

std::uint64_t bucket_middle(std::size_t bucket) {
  if (bucket < kLinear) return bucket;
  const auto shift = (bucket >> kBits) - 1;
  return bucket_low(bucket) + ((std::uint64_t{1} << shift) - 1) / 2;
}

void Histogram::add(std::int64_t value) {
  const auto counted = static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  const auto bucket = bucket_of(counted);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, counted);
}

void Histogram::merge(const Histogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto wanted = std::max(1.0, std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (static_cast<double>(seen) >= wanted) return std::min(bucket_middle(i), max_);
  }
  return max_;
}

}  // namespace conntruth::stats
