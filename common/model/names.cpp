// The words of the model as text: one place, so that every output spells them alike.
#include <array>

#include "common/model/entry_life.hpp"
#include "common/model/expectation.hpp"
#include "common/model/flow.hpp"
#include "common/model/hop.hpp"
#include "common/model/probe.hpp"
#include "common/model/rule_step.hpp"

namespace conntruth {

std::string Vantage::name() const {
  switch (kind) {
    case VantageKind::kPod:
      return pod;
    case VantageKind::kNode:
      return node;
    case VantageKind::kExternal:
      return "external>" + node;
  }
  return "?";
}

std::string_view to_string(EntryKind kind) {
  switch (kind) {
    case EntryKind::kClusterIp:
      return "clusterIP";
    case EntryKind::kNodePort:
      return "nodePort";
    case EntryKind::kExternalIp:
      return "externalIP";
    case EntryKind::kLoadBalancer:
      return "loadBalancer";
    case EntryKind::kPodIp:
      return "podIP";
    case EntryKind::kUnusedPort:
      return "unusedPort";
    case EntryKind::kUnallocated:
      return "unallocated";
    case EntryKind::kHealthCheckNodePort:
      return "healthCheckNodePort";
    case EntryKind::kProxyHealthz:
      return "proxyHealthz";
    case EntryKind::kProxyLivez:
      return "proxyLivez";
    case EntryKind::kName:
      return "name";
  }
  return "?";
}

std::string_view http_path(EntryKind kind) {
  switch (kind) {
    case EntryKind::kHealthCheckNodePort:
    case EntryKind::kProxyHealthz:
      return "/healthz";
    case EntryKind::kProxyLivez:
      return "/livez";
    case EntryKind::kClusterIp:
    case EntryKind::kNodePort:
    case EntryKind::kExternalIp:
    case EntryKind::kLoadBalancer:
    case EntryKind::kPodIp:
    case EntryKind::kUnusedPort:
    case EntryKind::kUnallocated:
    case EntryKind::kName:
      break;
  }
  return "";
}

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kUdpSocket:
      return "udp-socket";
    case Method::kTcpSocket:
      return "tcp-socket";
    case Method::kUdpCrafted:
      return "udp-crafted";
    case Method::kTcpSyn:
      return "tcp-syn";
    case Method::kSctpInit:
      return "sctp-init";
    case Method::kHttpGet:
      return "http-get";
    case Method::kDnsLookup:
      return "dns-lookup";
  }
  return "?";
}

Protocol protocol_of(Method method) {
  switch (method) {
    case Method::kTcpSocket:
    case Method::kTcpSyn:
    case Method::kHttpGet:
      return Protocol::kTcp;
    case Method::kSctpInit:
      return Protocol::kSctp;
    case Method::kUdpSocket:
    case Method::kUdpCrafted:
    case Method::kDnsLookup:
      return Protocol::kUdp;
  }
  return Protocol::kUdp;
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kReplied:
      return "replied";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kTimedOut:
      return "timed-out";
    case Outcome::kToolError:
      return "tool-error";
  }
  return "?";
}

std::string to_string(const OutcomeSet& outcomes) {
  std::string text;
  const auto add = [&text](bool present, std::string_view word) {
    if (!present) return;
    if (!text.empty()) text += '|';
    text += word;
  };
  add(outcomes.replied, "replied");
  add(outcomes.refused, "refused");
  add(outcomes.timed_out, "timed-out");
  return text.empty() ? "nothing" : text;
}

std::string to_string(const HttpExpectation& expected) {
  auto text = std::to_string(expected.status);
  if (expected.local_endpoints) text += " (" + std::to_string(*expected.local_endpoints) + " local)";
  return text;
}

std::string to_string(const NameAnswer& answer) {
  // Source: IANA "DNS RCODEs".
  static constexpr std::array<std::string_view, 6> kCodes = {"",         "FORMERR", "SERVFAIL",
                                                             "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (answer.code != NameAnswer::kNoError) {
    return answer.code < kCodes.size() ? std::string(kCodes.at(answer.code)) : "RCODE" + std::to_string(answer.code);
  }
  std::string text;
  for (const auto& address : answer.addresses) text += (text.empty() ? "" : " ") + address.to_string();
  if (text.empty()) text = "no address";
  return answer.alias.empty() ? text : "-> " + answer.alias + ": " + text;
}

std::string_view to_string(SourceRule rule) {
  switch (rule) {
    case SourceRule::kAny:
      return "any";
    case SourceRule::kClient:
      return "client";
    case SourceRule::kNode:
      return "node";
    case SourceRule::kClientOrNode:
      return "client-or-node";
  }
  return "?";
}

std::string_view to_string(Spread spread) {
  switch (spread) {
    case Spread::kUniform:
      return "uniform";
    case Spread::kSticky:
      return "sticky";
    case Spread::kFree:
      return "free";
  }
  return "?";
}

std::string_view to_string(WalkOrder order) {
  switch (order) {
    case WalkOrder::kUnchanged:
      return "unchanged";
    case WalkOrder::kStart:
      return "start";
    case WalkOrder::kStop:
      return "stop";
  }
  return "?";
}

std::string_view to_string(HopKind kind) {
  switch (kind) {
    case HopKind::kDeviceIn:
      return "device-in";
    case HopKind::kDeviceOut:
      return "device-out";
    case HopKind::kHook:
      return "hook";
    case HopKind::kDropped:
      return "dropped";
    case HopKind::kIcmpError:
      return "icmp-error";
    case HopKind::kReset:
      return "reset";
  }
  return "?";
}

std::string_view to_string(RuleEvent event) {
  switch (event) {
    case RuleEvent::kRule:
      return "rule";
    case RuleEvent::kEnd:
      return "end";
    case RuleEvent::kPolicy:
      return "policy";
    case RuleEvent::kMiss:
      return "miss";
  }
  return "?";
}

std::string_view to_string(RuleVerdict verdict) {
  switch (verdict) {
    case RuleVerdict::kContinue:
      return "continue";
    case RuleVerdict::kAccept:
      return "accept";
    case RuleVerdict::kDrop:
      return "drop";
    case RuleVerdict::kJump:
      return "jump";
    case RuleVerdict::kGoto:
      return "goto";
    case RuleVerdict::kReturn:
      return "return";
    case RuleVerdict::kOther:
      return "other";
  }
  return "?";
}

std::string_view to_string(EntryEnd end) {
  switch (end) {
    case EntryEnd::kNone:
      return "none";
    case EntryEnd::kExpired:
      return "expired";
    case EntryEnd::kDeleted:
      return "deleted";
    case EntryEnd::kByKernel:
      return "by-kernel";
    case EntryEnd::kUnseen:
      return "unseen";
  }
  return "?";
}

std::string_view to_string(NetfilterHook hook) {
  switch (hook) {
    case NetfilterHook::kPrerouting:
      return "prerouting";
    case NetfilterHook::kInput:
      return "input";
    case NetfilterHook::kForward:
      return "forward";
    case NetfilterHook::kOutput:
      return "output";
    case NetfilterHook::kPostrouting:
      return "postrouting";
  }
  return "?";
}

std::string_view to_string(ConntrackInfo info) {
  switch (info) {
    case ConntrackInfo::kNone:
      return "none";
    case ConntrackInfo::kInvalid:
      return "invalid";
    case ConntrackInfo::kUntracked:
      return "untracked";
    case ConntrackInfo::kNew:
      return "new";
    case ConntrackInfo::kEstablished:
      return "established";
    case ConntrackInfo::kRelated:
      return "related";
    case ConntrackInfo::kReply:
      return "reply";
  }
  return "?";
}

}  // namespace conntruth
