#pragma once
// The walk's check of itself: packets whose way is known, sent over the loopback device of the calling thread's network
// namespace, and every event demanded that the programs which are attached have to give of them.
// Threading: one thread.

#include <functional>
#include <string>
#include <vector>

#include "common/model/hop.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

// Its packets are no task's.
inline constexpr std::uint32_t kCheckTask = 0xFFFFFFFFU;

class WalkCheck {
 public:
  // `has`: whether that program of bpf/ is attached. `hooks`: whether all lookouts of the family are.
  using Has = std::function<bool(const std::string& program)>;
  [[nodiscard]] static Result<WalkCheck> send(const Has& has, const std::function<bool(Family)>& hooks);

  void take(const Hop& hop);
  // What has not come yet, in words; empty: all is well.
  [[nodiscard]] std::vector<std::string> missing() const;
  // What could not be tried here and why, a line each.
  [[nodiscard]] const std::vector<std::string>& untried() const { return untried_; }

 private:
  struct Demand {
    std::string words;
    ProbeId probe = 0;
    bool answer = false;
    std::function<bool(const Hop&)> fits;
    bool met = false;
  };
  void demand(std::string words, ProbeId probe, bool answer, std::function<bool(const Hop&)> fits) {
    demands_.push_back({std::move(words), probe, answer, std::move(fits)});
  }
  void demand_way(Family family, const Has& has, bool hooks);
  void demand_refusal(Family family, const Has& has);
  [[nodiscard]] Status send_delivered(Family family);
  [[nodiscard]] Status send_refused(Family family);
  [[nodiscard]] Status send_syn();

  std::vector<Demand> demands_;
  std::vector<std::string> untried_;
};

}  // namespace conntruth::observe
