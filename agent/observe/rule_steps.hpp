#pragma once
// Traced runs as steps with the rules' texts, as nft lists them in one network namespace.
// Threading: one thread at a time.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/observe/rule_listing.hpp"
#include "agent/observe/trace_join.hpp"
#include "common/model/rule_step.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

class PlaceRules {
 public:
  // Carries out an nft command in that namespace and returns what it prints.
  using Ask = std::function<Result<std::string>(const std::string& command)>;
  explicit PlaceRules(Ask ask) : ask_(std::move(ask)) {}

  // Appends a run's steps, numbered on from those that are there. What neither translates nor decides is left out: ends
  // of chains that do not translate, policies that accept; look-ups in vain of other chains than those that translate,
  // but where the packet was dropped in the end.
  void tell(const TracedRun& run, const TraceJoin::Owner& owner, const NamespaceName& place,
            std::vector<RuleStep>& steps);

 private:
  [[nodiscard]] const ListedTable& table(const std::string& name);
  [[nodiscard]] const ListedChain* chain(const std::string& table, const std::string& name);
  void tell_misses(const TracedRun& run, const RuleStep& end, std::vector<RuleStep>& steps);
  [[nodiscard]] bool is_missing(const std::string& table, const MapLookup& lookup);

  Ask ask_;
  std::map<std::string, ListedTable> tables_;
  std::map<std::string, bool> missing_;  // by the question
};

}  // namespace conntruth::observe
