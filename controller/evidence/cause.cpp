#include "controller/evidence/cause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "controller/evidence/drop_code.hpp"

namespace conntruth::evidence {

namespace {

constexpr std::string_view kUntrackedWords = "was kept from connection tracking, so nothing translated it, ";

// Rules of the oracle that leave out ready endpoints: who overlooks one of them translates to those.
constexpr std::array<std::string_view, 4> kNarrowing{"hints-node", "hints-zone", "local-ready-endpoints",
                                                     "local-terminating-fallback"};

// " (hints-zone: all 3 ready endpoints have zone hints and 1 name zone-b: 10.244.2.10:5000)"; "" where none did.
std::string narrowing(const std::vector<Rule>& rules) {
  const auto narrows = [](const Rule& rule) { return std::ranges::find(kNarrowing, rule.id) != kNarrowing.end(); };
  const auto found = std::ranges::find_if(rules, narrows);
  return found == rules.end() ? "" : fmt::format(" ({}: {})", found->id, found->text);
}

// Where the walk looks at packets before connection tracking does (NF_IP_PRI_CONNTRACK is -200).
constexpr std::int32_t kBeforeConntrack = -201;

class Finder {
 public:
  Finder(const plan::Cell& cell, const Walk& walk, const std::vector<Walk>& new_flows)
      : cell_(cell),
        walk_(walk),
        new_flows_(new_flows),
        target_(cell.flow.entry.target),
        // Over HTTP the node itself is asked.
        endpoints_(cell.expectation.http ? std::vector{target_} : cell.expectation.endpoints),
        translation_(translation_of(walk, target_)),
        drop_(drop_of(walk, Way::kThere)),
        refusal_(refusal_of(walk)) {}

  [[nodiscard]] Cause find() const {
    auto cause = of_outcome();
    if (cause.code != CauseCode::kNotTranslated) return cause;
    return of_entry_without_translation().value_or(std::move(cause));
  }

 private:
  [[nodiscard]] Cause of_outcome() const {
    switch (walk_.sample.outcome) {
      case Outcome::kTimedOut:
        return of_silence();
      case Outcome::kRefused:
        return cell_.expectation.outcomes.refused ? unexplained() : of_refusal();
      case Outcome::kReplied:
        return cell_.expectation.outcomes.replied ? of_wrong_reply() : of_reply_that_may_not_come();
      case Outcome::kToolError:
        break;
    }
    return unexplained();
  }

  [[nodiscard]] std::optional<Cause> of_entry_without_translation() const {
    const auto* held = entry_of_before(walk_);
    if (held == nullptr) return std::nullopt;
    for (const auto& walk : new_flows_) {
      const auto* translation = translation_of(walk, target_);
      if (translation == nullptr || translation->node != held->node) continue;
      const auto what = fmt::format(
          "was not translated: its conntrack entry is of an earlier packet and has no translation; a new flow was "
          "translated to {}",
          translation->hop.destination.to_string());
      return at(CauseCode::kStaleEntry, *held, what);
    }
    return std::nullopt;
  }

  [[nodiscard]] Cause of_silence() const {
    if (const auto stray = of_translation()) return *stray;
    if (const auto* self = step_to_itself(walk_))
      return at(CauseCode::kHairpinNotMasqueraded, *self,
                "came back to the pod that sent it with the pod's own source address");
    if (drop_ != nullptr) return of_drop(*drop_);
    if (refusal_ != nullptr)
      return unseen(CauseCode::kRefusalLost, *refusal_, "was refused there, and the refusal never came to the client");
    if (const auto* last = last_of(walk_, Way::kBack)) return of_lost_reply(*last);
    const auto* last = last_of(walk_, Way::kThere);
    if (last == nullptr) return unexplained();
    if (is_endpoint(*last))
      return unseen(CauseCode::kEndpointSilent, *last, "came to the endpoint, which sent no answer");
    if (is_untouched(*last) && last->hop.place.empty()) {
      const auto where = fmt::format("and was last seen at {}", last->hop.device);
      return is_untracked(*last) ? at(CauseCode::kUntracked, *last, std::string(kUntrackedWords) + where)
                                 : unseen(CauseCode::kNotTranslated, *last, untouched(*last) + ", " + where);
    }
    if (last->hop.kind == HopKind::kDeviceOut)
      return unseen(CauseCode::kLostBetweenNodes, *last,
                    fmt::format("left by {} and was never seen again", last->hop.device));
    // What waits for the next hop's address is dropped when nobody has answered for seconds, which is too late here.
    if (last->hop.kind == HopKind::kHook && last->hop.hook == NetfilterHook::kPostrouting)
      return unseen(CauseCode::kNeighbourFailed, *last,
                    "was let out, and no device sent it: the address of its next hop is not known");
    return at(CauseCode::kUnexplained, *last, "was seen there last, and no drop of it");
  }

  [[nodiscard]] Cause of_drop(const Step& drop) const {
    const auto code = code_of_drop(drop.hop);
    const auto how =
        fmt::format("dropped: {}{}{}", drop.hop.reason, drop.hop.function.empty() ? "" : " in ", drop.hop.function);
    if (const auto stray = of_translation()) return *stray;
    if (is_by_conntrack(drop))
      return unseen(CauseCode::kConntrackFull, drop,
                    "was thrown away by connection tracking itself, which had no room for another entry");
    if (drop.hop.function.starts_with("br_") && drop.hop.source.address == drop.hop.destination.address)
      return at(CauseCode::kHairpinModeOff, drop,
                fmt::format("had to go out of {} again, by which it came in: a port of a bridge without hairpin mode "
                            "({}){}",
                            drop.hop.device, drop.hop.function, after(drop)));
    if (is_untracked(drop))
      return at(CauseCode::kUntracked, drop,
                "was kept from connection tracking, so nothing translated it, then " + how);
    if (code == CauseCode::kDroppedByRule && (is_passed_over(drop) || is_unknown(drop)))
      return at(CauseCode::kNotTranslated, drop,
                fmt::format("{}, then thrown away by a packet filter's rule{}", untouched(drop), where_in_hooks(drop)));
    if (code == CauseCode::kDroppedByRule) {
      const bool wants_refusal = cell_.expectation.outcomes.refused && !cell_.expectation.outcomes.replied;
      // A rule that refuses throws the request away, too.
      const auto* lost = drop_of(walk_, Way::kBack);
      if (wants_refusal && lost != nullptr)
        return at(CauseCode::kRefusalLost, *lost, "was refused, and the refusal thrown away" + where_in_hooks(*lost));
      return at(wants_refusal ? CauseCode::kDroppedNotRefused : code, drop,
                fmt::format("was thrown away by a packet filter's rule{}{}", after(drop), where_in_hooks(drop)));
    }
    if (drop.hop.conntrack.info == ConntrackInfo::kInvalid)
      return at(CauseCode::kInvalid, drop, "was no part of any flow for connection tracking, then " + how);
    if (is_untouched(drop)) return at(CauseCode::kNotTranslated, drop, untouched(drop) + ", then " + how);
    return at(code, drop, "was " + how + after(drop));
  }

  // Translated to what is no endpoint; none where the translation is right, or there is none.
  [[nodiscard]] std::optional<Cause> of_translation() const {
    if (translation_ == nullptr || !knows_endpoints()) return std::nullopt;
    const auto& chosen = translation_->hop.destination;
    if (is_among_endpoints(chosen)) return std::nullopt;
    // Whoever probes a node's own address from outside may be translated to that node's before the Service's.
    const auto* held = entry_of_before(walk_);
    const bool old = !walk_.established && held != nullptr && held->node == translation_->node;
    if (old)
      return at(CauseCode::kStaleEntry, *translation_,
                fmt::format("was translated to {} by a conntrack entry of an earlier packet; it is no endpoint now",
                            chosen.to_string()));
    const auto code = endpoints_.empty() ? CauseCode::kTranslatedAnyway : CauseCode::kTranslatedElsewhere;
    const auto* how = translation_at_socket(walk_, target_) == nullptr ? "" : " at the socket, before it was a packet";
    const auto why = endpoints_.empty() ? "although nothing may answer here"
                                        : "which is no endpoint of this entry" + narrowing(cell_.expectation.rules);
    return at(code, *translation_, fmt::format("was translated to {}{}, {}", chosen.to_string(), how, why));
  }

  [[nodiscard]] Cause of_lost_reply(const Step& last) const {
    if (const auto missing = missing_masquerade()) return *missing;
    const auto* drop = drop_of(walk_, Way::kBack);
    const auto& came = drop != nullptr ? *drop : last;
    if (const auto* invalid = answer_with(walk_, ConntrackInfo::kInvalid)) {
      const auto* reset = reset_of_answer(walk_);
      const auto then = reset == nullptr ? "" : fmt::format(", and {} reset the connection", reset->where());
      return at(CauseCode::kInvalid, *invalid,
                "was answered, and the answer was no part of any flow for connection tracking, so it kept the source " +
                    came.hop.source.to_string() + then);
    }
    // A rule may throw it away before it is its turn to be translated back.
    if (drop != nullptr && code_of_drop(drop->hop) == CauseCode::kDroppedByRule)
      return at(CauseCode::kReplyDropped, *drop,
                "was answered, and a packet filter's rule threw the answer away" + where_in_hooks(*drop));
    if (const auto* untracked = untracked_answer())
      return at(CauseCode::kReplyUntranslated, *untracked,
                "was answered, and the answer was kept from connection tracking, so nothing translated it back");
    if (is_client(came) && came.hop.source != target_)
      return at(CauseCode::kReplyUntranslated, came,
                fmt::format("was answered, and the answer came with the source {}", came.hop.source.to_string()));
    if (drop != nullptr)
      return at(CauseCode::kReplyDropped, *drop,
                fmt::format("was answered, and the answer dropped: {} in {}", drop->hop.reason, drop->hop.function));
    return unseen(CauseCode::kReplyLost, last, "was answered, and the answer was last seen there");
  }

  // On the node that translated what it answers.
  [[nodiscard]] const Step* untracked_answer() const {
    const auto* step = answer_with(walk_, ConntrackInfo::kUntracked);
    return step != nullptr && translation_ != nullptr && step->hop.place == translation_->hop.place ? step : nullptr;
  }

  [[nodiscard]] std::optional<Cause> missing_masquerade() const {
    const auto rule = cell_.expectation.source;
    const bool wanted = rule == SourceRule::kNode || rule == SourceRule::kClientOrNode;
    if (!wanted || translation_ == nullptr || source_change_of(walk_) != nullptr) return std::nullopt;
    // Masquerading what the node sent itself leaves the address as it is.
    if (is_client(*translation_)) return std::nullopt;
    // Whoever translates the destination has to see to the source, too, before the packet leaves. The port may have
    // changed all the same: connection tracking gives another one where two flows would look alike.
    const auto& step = *last_at(walk_, Way::kThere, translation_->where());
    return unseen(CauseCode::kMasqueradeMissing, step,
                  fmt::format("kept its source {}, which had to become a node's", step.hop.source.to_string()));
  }

  [[nodiscard]] Cause of_refusal() const {
    const bool by_rule = drop_ != nullptr && code_of_drop(drop_->hop) == CauseCode::kDroppedByRule;
    if (by_rule && is_passed_over(*drop_))
      return at(CauseCode::kNotTranslated, *drop_,
                fmt::format("{}, then refused by a packet filter's rule{}", untouched(*drop_), where_in_hooks(*drop_)));
    if (by_rule)
      return at(CauseCode::kRefusedByRule, *drop_,
                "was refused by a packet filter's rule" + after(*drop_) + where_in_hooks(*drop_));
    if (const auto stray = of_translation()) return *stray;
    const auto* where = refusal_ != nullptr ? refusal_ : drop_ != nullptr ? drop_ : aborted_at();
    if (where == nullptr) return unexplained();
    if (is_untouched(*where))
      return at(CauseCode::kNotTranslated, *where, untouched(*where) + ", and nobody listens where it came");
    if (drop_ != nullptr && code_of_drop(drop_->hop) != CauseCode::kDropped) return of_drop(*drop_);
    if (is_on_its_way(*where))
      return at(CauseCode::kDropped, *where,
                fmt::format("was answered there with ICMP error {}/{}{}", where->hop.icmp_type, where->hop.icmp_code,
                            after(*where)));
    return at(CauseCode::kEndpointRefused, *where, "came to the endpoint, where nobody listens");
  }

  [[nodiscard]] Cause of_wrong_reply() const {
    if (const auto stray = of_translation()) return *stray;
    const auto* changed = source_change_of(walk_);
    const bool endpoint_is_right = translation_ != nullptr || !is_translated_entry();
    if (!endpoint_is_right) {
      const auto* last = last_of(walk_, Way::kThere);
      return unseen(CauseCode::kNotTranslated, *last,
                    "was not translated" + no_rule(*last) + ", and answered by another");
    }
    if (const auto missing = missing_masquerade()) return *missing;
    if (changed != nullptr && cell_.expectation.source != SourceRule::kAny)
      return at(CauseCode::kMasqueradeTooMuch, *changed,
                fmt::format("got the source {} instead of {}", changed->hop.source.to_string(),
                            walk_.steps.front().hop.source.to_string()));
    return unexplained();
  }

  [[nodiscard]] Cause of_reply_that_may_not_come() const {
    if (const auto stray = of_translation()) return *stray;
    const auto* last = last_of(walk_, Way::kThere);
    return last == nullptr ? unexplained()
                           : at(CauseCode::kUnexplained, *last, "was answered, though nothing may answer here");
  }

  [[nodiscard]] Cause unexplained() const {
    if (walk_.steps.empty()) return {CauseCode::kNoEvidence, "", "", "", "no step of it was seen"};
    return at(CauseCode::kUnexplained, walk_.steps.back(), "was seen there last, which explains nothing");
  }

  [[nodiscard]] Cause at(CauseCode code, const Step& step, const std::string& what) const {
    const auto text = fmt::format("{}: {} from {} to {} {}", step.where(), to_string(cell_.flow.protocol),
                                  walk_.steps.front().hop.source.to_string(), target_.to_string(), what);
    return {code, step.node, hook_of(step), "", text};
  }

  // Of what is concluded from no step that came after: nothing follows from it where steps may have been lost.
  [[nodiscard]] Cause unseen(CauseCode code, const Step& last, const std::string& what) const {
    if (walk_.gaps.empty()) return at(code, last, what);
    return {CauseCode::kNoEvidence, "", "", "",
            fmt::format("what was seen of it may not be whole: {}", fmt::join(walk_.gaps, ", "))};
  }

  // An endpoint takes a packet in before it refuses it.
  [[nodiscard]] bool is_on_its_way(const Step& step) const {
    const auto* hook = last_hook(walk_, step);
    return step.hop.kind == HopKind::kIcmpError && hook != nullptr && hook->hop.hook != NetfilterHook::kInput;
  }
  [[nodiscard]] std::string hook_of(const Step& step) const {
    if (&step == translation_at_socket(walk_, target_)) return "socket";
    if (const auto* hook = last_hook(walk_, step)) return std::string(to_string(hook->hop.hook));
    return step.hop.function;
  }
  [[nodiscard]] std::string where_in_hooks(const Step& step) const {
    const auto* hook = last_hook(walk_, step);
    return hook == nullptr ? "" : fmt::format(", at or after {} {}", to_string(hook->hop.hook), hook->hop.priority);
  }
  // A node translates what comes to it at prerouting, and what it sends itself at output: the first hook there.
  [[nodiscard]] std::string no_rule(const Step& at) const {
    const auto found = std::ranges::find_if(walk_.steps, [&](const Step& step) {
      return step.hop.kind == HopKind::kHook && !step.hop.answer && step.where() == at.where();
    });
    if (found == walk_.steps.end()) return "";
    return fmt::format(" (no rule at {} matched)", to_string(found->hop.hook));
  }
  [[nodiscard]] std::string after(const Step& step) const {
    return step.hop.destination == target_ ? ""
                                           : fmt::format(", after translation to {}", step.hop.destination.to_string());
  }

  [[nodiscard]] bool is_untracked(const Step& drop) const {
    return translation_ == nullptr && std::ranges::any_of(walk_.steps, [&](const Step& step) {
             return !step.hop.answer && step.hop.at_ns <= drop.hop.at_ns &&
                    step.hop.conntrack.info == ConntrackInfo::kUntracked;
           });
  }
  // Connection tracking has its turn at -200, between two looks at the packet, and throws away what it cannot keep; by
  // a rule it was not where none was met that drops. Source: nf_conntrack_in() of net/netfilter/nf_conntrack_core.c.
  [[nodiscard]] bool is_by_conntrack(const Step& drop) const {
    const auto* hook = last_hook(walk_, drop);
    if (hook == nullptr || hook->hop.priority != kBeforeConntrack ||
        code_of_drop(drop.hop) != CauseCode::kDroppedByRule)
      return false;
    return std::ranges::none_of(walk_.rules, [&](const MetRule& met) {
      return met.node == drop.node && met.step.place == drop.hop.place && met.step.verdict == RuleVerdict::kDrop;
    });
  }
  // Whether the place of the drop had its chance to translate: DNAT is at -100 of prerouting and of output.
  [[nodiscard]] bool is_past_translation(const Step& drop) const {
    const auto* hook = last_hook(walk_, drop);
    if (hook == nullptr) return false;
    const bool translates = hook->hop.hook == NetfilterHook::kPrerouting || hook->hop.hook == NetfilterHook::kOutput;
    return !translates || hook->hop.priority > -100;
  }
  // Whether something has to translate what is sent there.
  [[nodiscard]] bool is_translated_entry() const { return !endpoints_.empty() && !is_among_endpoints(target_); }
  [[nodiscard]] bool is_among_endpoints(const SocketAddress& address) const {
    return std::ranges::find(endpoints_, address) != endpoints_.end();
  }
  // A node port is taken by the node whose address it is, and passed on by all others.
  [[nodiscard]] bool decides(const Step& step) const {
    const auto& entry = cell_.flow.entry;
    return entry.kind != EntryKind::kNodePort || entry.node.empty() || step.node == entry.node;
  }
  // Whether a Service's address came through as it was, though rules had to translate, refuse or drop it.
  [[nodiscard]] bool is_untouched(const Step& at) const {
    constexpr std::array kOfServices = {EntryKind::kClusterIp, EntryKind::kNodePort, EntryKind::kExternalIp,
                                        EntryKind::kLoadBalancer};
    const bool of_service = std::ranges::find(kOfServices, cell_.flow.entry.kind) != kOfServices.end();
    return translation_ == nullptr && decides(at) && (is_translated_entry() || (endpoints_.empty() && of_service));
  }
  [[nodiscard]] bool is_passed_over(const Step& drop) const {
    return translation_ == nullptr && is_translated_entry() && decides(drop) && is_past_translation(drop);
  }
  // Whether what threw it away first looked for its address and found nothing: rules that have to refuse what they
  // know.
  [[nodiscard]] bool is_unknown(const Step& drop) const {
    const auto is_here = [&](const MetRule& met) {
      return met.node == drop.node && met.step.place == drop.hop.place && !met.step.answer;
    };
    const auto dropped = std::ranges::find_if(
        walk_.rules, [&](const MetRule& met) { return is_here(met) && met.step.verdict == RuleVerdict::kDrop; });
    if (dropped == walk_.rules.end() || !is_untouched(drop)) return false;
    const auto& by = dropped->step;
    const auto address = target_.address.to_string();
    return std::ranges::any_of(walk_.rules, [&](const MetRule& met) {
      const auto& step = met.step;
      return is_here(met) && step.event == RuleEvent::kMiss && step.table == by.table && step.hook == by.hook &&
             !step.nat && step.text.find(address) != std::string::npos;
    });
  }
  [[nodiscard]] std::string untouched(const Step& at) const {
    return (endpoints_.empty() ? "was taken by no rule" : "was not translated") + no_rule(at);
  }
  // Where a kernel took in what it answered with an ABORT, of which there is no event as there is of a RST.
  [[nodiscard]] const Step* aborted_at() const {
    const auto* last = last_of(walk_, Way::kThere);
    const bool taken_in =
        last != nullptr && last->hop.kind == HopKind::kHook && last->hop.hook == NetfilterHook::kInput;
    return taken_in && walk_.sample.refusal.kind == RefusalKind::kAbort ? last : nullptr;
  }
  // A connection that is sent again may have another endpoint than the one that was kept.
  [[nodiscard]] bool knows_endpoints() const { return cell_.rule != plan::CellRule::kKept; }
  // In a pod, or taken in by the node itself; kernels without programs at hooks tell of devices alone.
  [[nodiscard]] bool is_endpoint(const Step& step) const {
    const auto& hop = step.hop;
    if (!is_among_endpoints(hop.destination) || hop.kind == HopKind::kDeviceOut || is_client(step)) return false;
    if (!hop.place.empty()) return true;
    const auto* hook = last_hook(walk_, step);
    return hook == nullptr ? hop.kind == HopKind::kDeviceIn : hook->hop.hook == NetfilterHook::kInput;
  }
  [[nodiscard]] bool is_client(const Step& step) const { return step.where() == walk_.steps.front().where(); }

  const plan::Cell& cell_;
  const Walk& walk_;
  const std::vector<Walk>& new_flows_;
  const SocketAddress& target_;
  const std::vector<SocketAddress> endpoints_;
  const Step* translation_;
  const Step* drop_;
  const Step* refusal_;
};

}  // namespace

Cause find_cause(const plan::Cell& cell, const Walk& walk, const std::vector<Walk>& new_flows) {
  if (walk.steps.empty() || steps_of(walk, Way::kThere).empty())
    return {CauseCode::kNoEvidence, "", "", "", "no step of it on its way there was seen"};
  return Finder(cell, walk, new_flows).find();
}

}  // namespace conntruth::evidence
