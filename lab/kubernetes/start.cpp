#include "lab/kubernetes/start.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "lab/files.hpp"
#include "lab/kubernetes/ask.hpp"
#include "lab/kubernetes/control_plane.hpp"
#include "lab/kubernetes/kubelets.hpp"
#include "lab/kubernetes/programs.hpp"
#include "lab/kubernetes/proxy_choice.hpp"
#include "lab/topology/address_plan.hpp"

namespace conntruth::lab {

namespace {

using Clock = std::chrono::steady_clock;

constexpr mode_t kSecret = 0600;
constexpr std::chrono::seconds kPatience{60};  // for a loaded machine; a program that ended is noticed at once

std::vector<std::string*> kube_proxies(LabSpec& spec) {
  std::vector<std::string*> texts{&spec.proxy};
  for (auto& [node, text] : spec.node_proxies) texts.push_back(&text);
  std::erase_if(texts, [](const std::string* text) { return !text->starts_with("kube-proxy:"); });
  return texts;
}

Status check_kubelet_programs(const KubernetesSpec& api, const Programs& programs) {
  if (!api.kubelets) return {};
  for (const auto* name : {"kube-controller-manager", "kube-scheduler", "kubelet"}) {
    if (const auto found = programs.find(name, "", api.version); !found) return std::unexpected(found.error());
  }
  for (const auto* name : {"pause", "coredns"}) {
    if (const auto image = programs.image(name); !image) return std::unexpected(image.error());
  }
  const auto containers = programs.containers();
  return containers ? Status() : std::unexpected(containers.error());
}

class Start {
 public:
  // `api` is that of `spec`.
  Start(LabSpec& spec, KubernetesSpec& api, std::string directory, const std::vector<Place>& places, Programs programs,
        Daemons daemons, const Lab::Progress& progress)
      : spec_(spec),
        api_(api),
        directory_(std::move(directory)),
        places_(places),
        programs_(std::move(programs)),
        daemons_(std::move(daemons)),
        progress_(progress) {}

  // What needs no API is started while its server starts.
  Status run() {
    Kubelets kubelets(spec_, file(""), places_, programs_, daemons_);
    if (auto done = write_secrets(); !done) return done;
    if (auto done = start_control_plane(); !done) return done;
    if (api_.kubelets) {
      if (auto done = start_runtimes(kubelets); !done) return done;
    }
    const ApiServer api(spec_, fabric().netns(), identity_, tokens_.admin);
    if (auto done = await_control_plane(api); !done) return done;
    tell("etcd and kube-apiserver are ready");
    if (auto done = start_proxies(); !done) return done;
    if (api_.kubelets) {
      if (auto done = kubelets.start(api); !done) return done;
    }
    if (auto done = await_proxies(api); !done) return done;
    if (auto done = announce_zones(api); !done) return done;
    tell("the proxies have written their rules");
    return api_.kubelets ? await_kubelets(kubelets, api) : Status();
  }

 private:
  void tell(std::string_view done) const {
    if (progress_) progress_(done);
  }

  Status start_runtimes(Kubelets& kubelets) {
    if (auto done = kubelets.start_runtimes(); !done) return done;
    if (auto done = kubelets.load_images(); !done) return done;
    tell("containerd runs on each node and has its images");
    return {};
  }

  Status await_kubelets(Kubelets& kubelets, const ApiServer& api) {
    if (auto done = kubelets.await_nodes(api); !done) return done;
    tell("the nodes are Ready");
    if (auto done = kubelets.await_dns(api); !done) return done;
    tell("CoreDNS answers");
    return {};
  }

  [[nodiscard]] const Place& fabric() const { return *std::ranges::find(places_, kFabric, &Place::name); }
  [[nodiscard]] std::string file(const std::string& name) const {
    return fmt::format("{}/kubernetes{}{}", directory_, name.empty() ? "" : "/", name);
  }
  // The node of a place, counted from 1; 0 for the fabric.
  [[nodiscard]] static unsigned number_of(const LabSpec& spec, const Place& place) {
    for (unsigned node = 1; node <= spec.nodes; ++node) {
      if (plan_node(spec, node).name == place.name) return node;
    }
    return 0;
  }

  Status write_secrets() {
    if (::mkdir(file("").c_str(), 0700) != 0) return fail_errno("mkdir " + file(""), errno);
    auto identity = make_server_identity(certified_addresses(spec_));
    if (!identity) return std::unexpected(identity.error());
    identity_ = std::move(*identity);
    if (auto made = make_tokens(); !made) return made;
    std::vector<std::pair<std::string, std::string>> contents{
        {"server.crt", identity_.certificate_pem},
        {"server.key", identity_.key_pem},
        {"tokens.csv", token_file(tokens_)},
        {"admin.kubeconfig", kubeconfig(spec_, identity_, "admin", tokens_.admin)}};
    for (unsigned node = 1; node <= spec_.nodes; ++node) {
      const auto name = plan_node(spec_, node).name;
      contents.emplace_back(name + ".kubeconfig", kubeconfig(spec_, identity_, name, tokens_.nodes[node - 1]));
    }
    if (api_.kubelets) add_kubelet_secrets(contents);
    for (const auto& [name, content] : contents) {
      const auto path = std::filesystem::path(file(name));
      if (::mkdir(path.parent_path().c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("mkdir " + name, errno);
      if (auto written = write_whole_file(path, content, kSecret); !written) return written;
    }
    return {};
  }

  Status make_tokens() {
    tokens_.nodes.resize(spec_.nodes);
    std::vector<std::string*> wanted{&tokens_.admin};
    if (api_.kubelets) {
      tokens_.kubelets.resize(spec_.nodes);
      wanted.insert(wanted.end(), {&tokens_.controllers, &tokens_.scheduler});
    }
    for (auto& token : tokens_.nodes) wanted.push_back(&token);
    for (auto& token : tokens_.kubelets) wanted.push_back(&token);
    for (auto* target : wanted) {
      auto token = make_token();
      if (!token) return std::unexpected(token.error());
      *target = std::move(*token);
    }
    return {};
  }

  void add_kubelet_secrets(std::vector<std::pair<std::string, std::string>>& contents) const {
    const auto add = [&](const std::string& name, const std::string& token) {
      contents.emplace_back(name + ".kubeconfig", kubeconfig(spec_, identity_, name, token));
    };
    add("controller-manager", tokens_.controllers);
    add("scheduler", tokens_.scheduler);
    for (unsigned node = 1; node <= spec_.nodes; ++node) {
      add(plan_node(spec_, node).name + "/kubelet", tokens_.kubelets[node - 1]);
    }
  }

  Status start_control_plane() {
    const auto etcd = programs_.etcd();
    if (!etcd) return std::unexpected(etcd.error());
    const auto apiserver = programs_.find("kube-apiserver", api_.version, "");
    if (!apiserver) return std::unexpected(apiserver.error());
    if (auto started = start(fabric(), "etcd", "etcd", *etcd, etcd_arguments()); !started) return started;
    return start(fabric(), "kube-apiserver", "kube-apiserver", apiserver->path, apiserver_arguments(spec_, file("")));
  }

  Status start(const Place& place, const std::string& name, const std::string& title, const std::string& program,
               std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program);
    return daemons_.start(place, name, title, std::move(arguments));
  }

  Status await_control_plane(const ApiServer& api) {
    const auto ready =
        daemons_.await(fabric(), "kube-apiserver", Clock::now() + kPatience, [&] { return api.ready(); });
    if (!ready) return ready;
    const auto version = api.version();
    if (!version) return std::unexpected(version.error().in("kube-apiserver"));
    api_.version = *version;
    for (unsigned node = 1; node <= spec_.nodes; ++node) {
      if (auto made = api.create("/api/v1/nodes", node_object(spec_, node)); !made) {
        return std::unexpected(made.error().in("make the Node objects"));
      }
    }
    return {};
  }

  Status start_proxies() {
    for (const auto& place : places_) {
      const auto node = number_of(spec_, place);
      if (node == 0) continue;
      const auto text = proxy_of(spec_, place.name);
      const auto choice = read_proxy_choice(text);
      if (!choice) return std::unexpected(choice.error());
      const ProxyPlace where{file(place.name + ".kubeconfig"), place.name,
                             plan_node(spec_, node).addresses.front().to_string()};
      if (auto started = start_proxy(place, text, *choice, where); !started) return started;
    }
    return {};
  }

  Status start_proxy(const Place& place, const std::string& text, const ProxyChoice& choice, const ProxyPlace& where) {
    if (choice.kind == kCommand) {
      const auto command = fill_in(spec_.proxy_command, where);
      if (!command) return std::unexpected(command.error());
      return start(place, "proxy", "the proxy command", "sh", {"-c", *command});
    }
    if (!choice.is_kube_proxy()) return {};
    const auto program = programs_.find("kube-proxy", choice.version, api_.version);
    if (!program) return std::unexpected(program.error());
    return start(place, "proxy", text, program->path, kube_proxy_arguments(spec_, choice.mode, where));
  }

  // The API's own Service answers through a proxy that works, whichever it is; kube-proxy also says so itself, for both
  // families.
  Status await_proxies(const ApiServer& api) {
    const auto deadline = Clock::now() + api_.patience;
    for (const auto& place : places_) {
      const auto choice = read_proxy_choice(proxy_of(spec_, place.name));
      if (place.name == kFabric || !choice || !choice->follows_api()) continue;
      KubeProxyState state;
      const auto ready = daemons_.await(place, "proxy", deadline, [&]() -> Status {
        if (choice->is_kube_proxy()) {
          const auto told = ask_kube_proxy(place.netns());
          if (!told) return std::unexpected(told.error());
          state = *told;
          if (!state.has_written_rules(families())) return fail(ErrorCode::kUnavailable, "it has written no rules yet");
        }
        return api.reachable_as_service(place.netns());
      });
      if (!ready) return ready;
      if (!choice->is_kube_proxy() || state.version.empty()) continue;
      spec_.node_proxies[place.name] = to_string(ProxyChoice{choice->kind, choice->mode, state.version});
    }
    return {};
  }

  // Only that a kube-proxy wrote all its rules anew shows that it took notice.
  Status announce_zones(const ApiServer& api) {
    const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    std::vector<const Place*> told;
    for (const auto& place : places_) {
      const auto node = number_of(spec_, place);
      const auto patch = node == 0 ? "" : zone_patch(spec_, node);
      if (patch.empty()) continue;
      if (auto done = api.patch("/api/v1/nodes/" + place.name, patch); !done) {
        return std::unexpected(done.error().in("give " + place.name + " its zone"));
      }
      told.push_back(&place);
    }
    const auto deadline = Clock::now() + api_.patience;
    for (const auto* place : told) {
      const auto written = daemons_.await(*place, "proxy", deadline, [&]() -> Status {
        const auto state = ask_kube_proxy(place->netns());
        if (!state) return std::unexpected(state.error());
        if (state->has_written_rules(families(), now)) return {};
        return fail(ErrorCode::kUnavailable, "it has written no rules since its node has a zone");
      });
      if (!written) return written;
    }
    return {};
  }

  [[nodiscard]] unsigned families() const { return spec_.ipv4 && spec_.ipv6 ? 2 : 1; }

  LabSpec& spec_;
  KubernetesSpec& api_;
  std::string directory_;
  const std::vector<Place>& places_;
  Programs programs_;
  Daemons daemons_;
  kube::Identity identity_;
  Tokens tokens_;
  const Lab::Progress& progress_;
};

}  // namespace

Status resolve_programs(LabSpec& spec) {
  if (!spec.kubernetes) return {};
  auto& api = *spec.kubernetes;
  const auto programs = Programs::look(api.programs);
  if (!programs) return std::unexpected(programs.error());
  if (const auto etcd = programs->etcd(); !etcd) return std::unexpected(etcd.error());
  const auto apiserver = programs->find("kube-apiserver", api.version, "");
  if (!apiserver) return std::unexpected(apiserver.error());
  api.version = apiserver->version;
  if (auto found = check_kubelet_programs(api, *programs); !found) return found;
  for (auto* text : kube_proxies(spec)) {
    auto choice = read_proxy_choice(*text);
    if (!choice) return std::unexpected(choice.error());
    const auto found = programs->find("kube-proxy", choice->version, apiserver->version);
    if (!found) return std::unexpected(found.error());
    choice->version = found->version;
    *text = to_string(*choice);
  }
  return {};
}

Status start_kubernetes(LabSpec& spec, const std::string& directory, const std::vector<Place>& places,
                        const Lab::Progress& progress) {
  if (!spec.kubernetes) return {};
  auto& api = *spec.kubernetes;
  auto programs = Programs::look(api.programs);
  if (!programs) return std::unexpected(programs.error());
  auto daemons = Daemons::watch(directory);
  if (!daemons) return std::unexpected(daemons.error());
  return Start(spec, api, directory, places, std::move(*programs), std::move(*daemons), progress).run();
}

}  // namespace conntruth::lab
