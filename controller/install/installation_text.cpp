#include "controller/install/installation_text.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace conntruth::install {
namespace {

using Json = nlohmann::ordered_json;

std::string state_of(const PodView& pod) { return pod.ready ? "ready" : pod.state; }

std::string anchors_of(const NodeView& node) {
  return fmt::format("{} of {} ready", std::ranges::count(node.anchors, true, &PodView::ready), node.anchors.size());
}

std::string table_of(const std::vector<NodeView>& nodes) {
  std::size_t name = 4;
  std::size_t agent = 5;
  for (const auto& node : nodes) {
    name = std::max(name, node.name.size());
    if (node.agent) agent = std::max(agent, node.agent->name.size());
  }
  auto text = fmt::format("\n{:<{}}  {:<8}  {:<{}}  {:<8}  {:<12}  {}\n", "NODE", name, "COVERED", "AGENT", agent,
                          "VERSION", "ANCHORS", "STATE");
  for (const auto& node : nodes) {
    text += fmt::format("{:<{}}  {:<8}  {:<{}}  {:<8}  {:<12}  {}\n", node.name, name, node.covered ? "yes" : "no",
                        node.agent ? node.agent->name : "none", agent, node.agent ? node.agent->version : "-",
                        anchors_of(node), node.agent ? state_of(*node.agent) : "-");
  }
  return text;
}

std::string controller_line(const Installation& all) {
  if (!all.controller) return "controller   none\n";
  auto text = fmt::format("controller   {} on {}, {}", all.controller->name,
                          all.controller_node.empty() ? "no node" : all.controller_node, state_of(*all.controller));
  if (all.controller_lease)
    text += fmt::format("; agents are to come to {} (Lease of {}, renewed {}{})", all.controller_lease->agents,
                        all.controller_lease->holder, all.controller_lease->renewed,
                        all.controller_lease->live ? "" : ", run out");
  return text + "\n";
}

std::string runs_lines(const Installation& all) {
  std::string text;
  if (all.run_lease) text += fmt::format("running      a run of {}\n", all.run_lease->holder);
  if (all.last_run)
    text += fmt::format("last run     {}: {}\n", all.last_run->id,
                        all.last_run->verdict.empty() ? all.last_run->state : all.last_run->verdict);
  if (!all.last_run && all.controller && all.controller->ready) text += "last run     none that the controller keeps\n";
  const auto& left = all.leftovers;
  if (left.total() > 0)
    text +=
        fmt::format("left behind  {} Services, {} EndpointSlices, {} Deployments, {} pods, {} namespaces of a run\n",
                    left.services, left.endpoint_slices, left.deployments, left.pods, left.namespaces);
  return text;
}

// "0.1.0 in conntruth-system, profile ebpf, by kustomize", of what is known of it.
std::string installed_words(const Installation& all) {
  auto text = fmt::format("{} in {}", all.version.empty() ? "a part" : all.version, kSystemNamespace);
  if (all.profile) text += fmt::format(", profile {}", to_string(*all.profile));
  if (!all.installed_by.empty()) text += ", by " + all.installed_by;
  return text;
}

// Each message begins with what was asked for; the rule that grants it is in JSON.
std::string unseen_line(const std::vector<std::string>& messages) {
  std::vector<std::string> asked;
  for (const auto& message : messages) {
    auto words = message.substr(0, message.find(": HTTP "));
    if (std::ranges::find(asked, words) == asked.end()) asked.push_back(std::move(words));
  }
  return fmt::format("not looked at for want of rights: {}; `-o json` has the rules that grant them\n",
                     fmt::join(asked, ", "));
}

Json json_of(const PodView& pod) {
  return {{"pod", pod.name}, {"version", pod.version}, {"ready", pod.ready}, {"state", pod.state}};
}

Json json_of(const NodeView& node) {
  Json anchors = Json::array();
  for (const auto& anchor : node.anchors) anchors.push_back(json_of(anchor));
  Json result;
  result["name"] = node.name;
  result["covered"] = node.covered;
  result["reason"] = node.why_not;
  result["agent"] = node.agent ? json_of(*node.agent) : Json();
  result["anchors"] = std::move(anchors);
  return result;
}

Json json_of(const std::optional<LeaseFacts>& lease) {
  if (!lease) return {};
  return {{"holder", lease->holder}, {"agents", lease->agents}, {"renewed", lease->renewed}, {"live", lease->live}};
}

Json json_of(const RunObjects& objects) {
  return {{"services", objects.services},
          {"endpointSlices", objects.endpoint_slices},
          {"deployments", objects.deployments},
          {"pods", objects.pods},
          {"namespaces", objects.namespaces}};
}

Json controller_json(const Installation& all) {
  if (!all.controller) return {};
  auto result = json_of(*all.controller);
  result["node"] = all.controller_node;
  return result;
}

}  // namespace

std::string as_text(const Installation& all) {
  auto text =
      all.installed
          ? fmt::format("cluster      {}\ninstalled    {}\nimage        {}\n{}", all.where, installed_words(all),
                        all.image.empty() ? "-" : all.image, controller_line(all))
          : fmt::format("conntruth is {} {}\n", all.not_seen.empty() ? "not installed in" : "not seen in", all.where);
  text += runs_lines(all);
  if (!all.nodes.empty()) text += table_of(all.nodes);
  if (all.installed) text += '\n';
  for (const auto& problem : all.problems) text += problem + '\n';
  if (!all.not_seen.empty()) text += unseen_line(all.not_seen);
  switch (all.exit_code()) {
    case 0:
      return text + "all is as it has to be\n";
    case 1:
      return text + "what could be looked at is as it has to be\n";
    case 3:
      return text + "next: kubectl conntruth install\n";
    default:
      return text;
  }
}

std::string as_json(const Installation& all) {
  Json result;
  result["installed"] = all.installed;
  result["cluster"] = all.where;
  result["namespace"] = std::string(kSystemNamespace);
  result["by"] = all.installed_by;
  result["version"] = all.version;
  result["image"] = all.image;
  result["profile"] = all.profile ? Json(to_string(*all.profile)) : Json();
  result["controller"] = controller_json(all);
  result["controllerLease"] = json_of(all.controller_lease);
  result["runLease"] = json_of(all.run_lease);
  result["lastRun"] =
      all.last_run ? Json{{"id", all.last_run->id}, {"state", all.last_run->state}, {"verdict", all.last_run->verdict}}
                   : Json();
  result["nodes"] = Json::array();
  for (const auto& node : all.nodes) result["nodes"].push_back(json_of(node));
  result["leftovers"] = json_of(all.leftovers);
  result["problems"] = all.problems;
  result["notSeen"] = all.not_seen;
  result["exitCode"] = all.exit_code();
  return result.dump(2);
}

}  // namespace conntruth::install
