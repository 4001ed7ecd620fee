#include "controller/evidence/choices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "controller/evidence/rules.hpp"

namespace conntruth::evidence {

namespace {

class Choices {
 public:
  Choices(const plan::Cell& cell, const matrix::CellObservation& seen, const matrix::ResponderIndex& responders,
          const std::vector<Walk>& walks)
      : cell_(cell), seen_(seen), responders_(responders), walks_(walks) {
    for (const auto& walk : walks) {
      const auto* step = translation_of(walk, cell.flow.entry.target);
      if (step == nullptr) continue;
      if (decider_ == nullptr) decider_ = step;
      agree_ = agree_ && step->node == decider_->node && step->hop.place == decider_->hop.place;
      ++sent_[step->hop.destination];
    }
  }

  [[nodiscard]] const Walk* telling() const {
    const Walk* best = nullptr;
    std::pair<std::int64_t, std::int64_t> least;
    for (const auto& walk : walks_) {
      const auto* step = translation_of(walk, cell_.flow.entry.target);
      if (step == nullptr) continue;
      const auto* rule = translator_of(walk, step->node);
      const std::pair<std::int64_t, std::int64_t> rank = {
          rule == nullptr ? std::numeric_limits<std::int64_t>::max() : rule->priority,
          -static_cast<std::int64_t>(answered(step->hop.destination))};
      if (best != nullptr && least <= rank) continue;
      best = &walk;
      least = rank;
    }
    return best;
  }

  [[nodiscard]] Cause find() const {
    if (decider_ == nullptr)
      return {CauseCode::kUnexplained, "", "", "", "no node was seen to choose an endpoint for the flows sent again"};
    if (!agree_) return {CauseCode::kUnexplained, "", "", "", "several nodes chose endpoints for the flows sent again"};
    if (cell_.rule == plan::CellRule::kRotate) return of_time();
    return cell_.expectation.spread == Spread::kSticky ? of_affinity() : of_shares();
  }

 private:
  [[nodiscard]] Cause of_affinity() const {
    if (sent_.size() < 2) return not_again();
    return at(CauseCode::kAffinityNotKept,
              fmt::format("flows of one client were translated to {} in spite of session affinity", list()));
  }

  [[nodiscard]] Cause of_time() const {
    if (sent_.size() != 1 || answered(sent_.begin()->first) == 0) return not_again();
    return at(CauseCode::kAffinityNotEnded,
              fmt::format("flows were translated to {} each time, though the time of the session affinity was over",
                          sent_.begin()->first.to_string()));
  }

  [[nodiscard]] Cause of_shares() const {
    std::vector<std::string> never;
    std::vector<std::string> shares;
    for (const auto& endpoint : cell_.expectation.endpoints) {
      const auto count = answered(endpoint);
      shares.push_back(fmt::format("{} ({})", endpoint.to_string(), count));
      if (count == 0 && !sent_.contains(endpoint)) never.push_back(endpoint.to_string());
    }
    if (!never.empty())
      return at(CauseCode::kEndpointNeverChosen, fmt::format("flows were translated to {}, and of {} none ever to {}",
                                                             list(), seen_.received + total(), fmt::join(never, ", ")));
    return at(CauseCode::kUnevenChoice, fmt::format("flows were translated unevenly: {}", fmt::join(shares, ", ")));
  }

  [[nodiscard]] Cause not_again() const {
    return {CauseCode::kNotReproduced, "", "", "", fmt::format("{} more flows were translated to {}", total(), list())};
  }

  [[nodiscard]] Cause at(CauseCode code, const std::string& what) const {
    const auto& hop = decider_->hop;
    return {code, decider_->node, hop.kind == HopKind::kHook ? std::string(to_string(hop.hook)) : "", "",
            fmt::format("{}: {} from {} to {}: {}", decider_->where(), to_string(cell_.flow.protocol),
                        cell_.flow.vantage.name(), cell_.flow.entry.target.to_string(), what)};
  }

  [[nodiscard]] std::uint64_t answered(const SocketAddress& endpoint) const {
    const auto responder = responders_.find(cell_.flow.protocol, endpoint);
    const auto found = std::ranges::find(seen_.responders, responder, &matrix::ResponderCount::responder);
    return found == seen_.responders.end() || responder == 0 ? 0 : found->total();
  }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto& [endpoint, count] : sent_) sum += count;
    return sum;
  }
  [[nodiscard]] std::string list() const {
    std::vector<std::string> words;
    for (const auto& [endpoint, count] : sent_) words.push_back(fmt::format("{} ({})", endpoint.to_string(), count));
    return fmt::format("{}", fmt::join(words, ", "));
  }

  const plan::Cell& cell_;
  const matrix::CellObservation& seen_;
  const matrix::ResponderIndex& responders_;
  const std::vector<Walk>& walks_;
  const Step* decider_ = nullptr;  // the first translation
  bool agree_ = true;
  std::map<SocketAddress, std::uint64_t> sent_;  // witnesses, by where they were translated to
};

}  // namespace

Cause find_choice_cause(const plan::Cell& cell, const matrix::CellObservation& seen,
                        const matrix::ResponderIndex& responders, const std::vector<Walk>& walks) {
  return Choices(cell, seen, responders, walks).find();
}

const Walk* find_telling_walk(const plan::Cell& cell, const matrix::CellObservation& seen,
                              const matrix::ResponderIndex& responders, const std::vector<Walk>& walks) {
  return Choices(cell, seen, responders, walks).telling();
}

}  // namespace conntruth::evidence
