#include "kube/kubeconfig.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/world/fields.hpp"
#include "kube/base64.hpp"

namespace conntruth::kube {
namespace {

constexpr std::size_t kMaxFile = std::size_t{4} << 20U;

using world::Field;
using world::Mistakes;
using world::Value;

struct ConfigFile {
  const ConfigText* text = nullptr;
  Value root;
};

// An entry of clusters, users or contexts, and the file that it stands in.
struct Entry {
  const ConfigFile* file = nullptr;
  const Value* item = nullptr;
};

// Reads the fields of one entry; the first mistake ends it.
class EntryReader {
 public:
  EntryReader(const Entry& entry, std::string_view kind, std::string_view name)
      : entry_(entry), mistakes_(entry.file->text->path), field_(*entry.item, mistakes_) {
    mistakes_.enter(fmt::format("{} {}", kind, name), *entry.item);
  }

  [[nodiscard]] Field operator[](std::string_view key) const { return field_[key]; }

  void refuse(const Field& body, std::string_view key, std::string_view remedy) const {
    if (body[key].present()) body[key].wrong(remedy);
  }

  // KEY-data inline, or KEY as a file's name; inline wins, as in kubectl.
  std::string data(const Field& body, const std::string& key) const {
    const auto inlined = body[key + "-data"];
    if (!inlined.text().empty()) {
      auto bytes = decode_base64(inlined.text());
      if (bytes) return *bytes;
      inlined.wrong(bytes.error().message + "; write the PEM file through `base64 -w0`");
      return {};
    }
    const auto named = body[key];
    if (named.text().empty()) return {};
    auto bytes = read_file(absolute(named.text()), "the file");
    if (bytes) return *bytes;
    named.wrong(bytes.error().message);
    return {};
  }

  [[nodiscard]] std::string absolute(const std::string& path) const {
    const std::filesystem::path named(path);
    if (path.empty() || named.is_absolute()) return path;
    return (std::filesystem::absolute(entry_.file->text->path).parent_path() / named).lexically_normal().string();
  }

  [[nodiscard]] const std::optional<Error>& mistake() const { return mistakes_.first(); }

 private:
  Entry entry_;
  Mistakes mistakes_;
  Field field_;
};

void read_cluster(EntryReader& reader, Access& access) {
  const auto cluster = reader["cluster"];
  reader.refuse(cluster, "proxy-url", "is not supported: use a server address that is reached directly, or a tunnel");
  const auto server = cluster["server"];
  if (const auto read = read_server(server.required_text(), access); !read && server.present())
    server.wrong(read.error().message);
  access.skip_tls_verify = cluster["insecure-skip-tls-verify"].boolean().value_or(false);
  access.tls_server_name = cluster["tls-server-name"].text();
  access.ca_pem = reader.data(cluster, "certificate-authority");
  if (access.skip_tls_verify && !access.ca_pem.empty())
    cluster["insecure-skip-tls-verify"].wrong("contradicts certificate-authority: remove one of the two");
}

void read_exec(EntryReader& reader, const Field& exec, Access& access) {
  static constexpr std::array<std::string_view, 2> kVersions{"client.authentication.k8s.io/v1",
                                                             "client.authentication.k8s.io/v1beta1"};
  ExecPlugin plugin;
  plugin.api_version = exec["apiVersion"].required_text();
  if (!plugin.api_version.empty()) (void)exec["apiVersion"].one_of(kVersions);
  plugin.command = exec["command"].required_text();
  if (plugin.command.contains('/')) plugin.command = reader.absolute(plugin.command);
  plugin.arguments = exec["args"].texts();
  for (const auto& item : exec["env"].items())
    plugin.environment.emplace_back(item["name"].required_text(), item["value"].text());
  plugin.install_hint = exec["installHint"].text();
  plugin.provide_cluster_info = exec["provideClusterInfo"].boolean().value_or(false);
  if (exec["interactiveMode"].text() == "Always")
    exec["interactiveMode"].wrong(
        "Always needs a terminal, which this program does not lend; log in first and use a plug-in "
        "that keeps what it got");
  access.exec = std::move(plugin);
}

void read_user(EntryReader& reader, Access& access) {
  const auto user = reader["user"];
  reader.refuse(user, "auth-provider", "was removed from Kubernetes in 1.26: use an exec plug-in");
  reader.refuse(user, "username", "with a password was removed from Kubernetes in 1.19: use a token or a certificate");
  reader.refuse(user, "as", "(impersonation) is not supported: use the credentials of that user");
  access.client_certificate_pem = reader.data(user, "client-certificate");
  access.client_key_pem = reader.data(user, "client-key");
  if (access.client_certificate_pem.empty() != access.client_key_pem.empty())
    user.wrong("needs client-certificate and client-key together");
  access.token = user["token"].text();
  access.token_file = reader.absolute(user["tokenFile"].text());
  if (const auto exec = user["exec"]; exec.present()) read_exec(reader, exec, access);
}

class Merged {
 public:
  static Result<Merged> of(const std::vector<ConfigText>& texts) {
    Merged merged;
    for (const auto& text : texts) {
      auto documents = world::parse_documents(text.text, text.path);
      if (!documents) return std::unexpected(documents.error());
      if (documents->empty()) continue;
      merged.files_.push_back({&text, std::move(documents->front())});
      const auto& root = merged.files_.back().root;
      if (root.kind != Value::Kind::kMap)
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("{}:{}: is no kubeconfig (kind: Config)", text.path, root.line));
    }
    return merged;
  }

  [[nodiscard]] std::string current_context() const {
    for (const auto& file : files_) {
      const auto* value = file.root.find("current-context");
      if (value != nullptr && !value->text.empty()) return value->text;
    }
    return {};
  }

  // `list` is "clusters", "users" or "contexts".
  [[nodiscard]] Result<Entry> find(std::string_view list, std::string_view name, std::string_view asked_by) const {
    std::vector<std::string> known;
    for (const auto& file : files_) {
      const auto* entries = file.root.find(list);
      if (entries == nullptr) continue;
      for (const auto& item : entries->children) {
        const auto* key = item.find("name");
        if (key == nullptr) continue;
        if (key->text == name) return Entry{&file, &item};
        known.push_back(key->text);
      }
    }
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: {} \"{}\" is not among the {}: {}", paths(), asked_by, name, list,
                            known.empty() ? "there are none" : fmt::format("{}", fmt::join(known, ", "))));
  }

  [[nodiscard]] std::string paths() const {
    std::string text;
    for (const auto& file : files_) text += (text.empty() ? "" : ":") + file.text->path;
    return text.empty() ? "kubeconfig" : text;
  }

 private:
  std::vector<ConfigFile> files_;
};

Status fill(const Merged& merged, const std::string& context, Access& access) {
  const auto entry = merged.find("contexts", context, "context");
  if (!entry) return std::unexpected(entry.error());
  EntryReader reader(*entry, "context", context);
  const auto body = reader["context"];
  const auto cluster = body["cluster"].required_text();
  const auto user = body["user"].text();
  access.namespace_name = body["namespace"].text("default");
  if (reader.mistake()) return std::unexpected(*reader.mistake());
  access.origin = fmt::format("{}, context {}", entry->file->text->path, context);

  const auto of_cluster = merged.find("clusters", cluster, fmt::format("context {}: cluster", context));
  if (!of_cluster) return std::unexpected(of_cluster.error());
  EntryReader cluster_reader(*of_cluster, "cluster", cluster);
  read_cluster(cluster_reader, access);
  if (cluster_reader.mistake()) return std::unexpected(*cluster_reader.mistake());

  if (user.empty()) return {};
  const auto of_user = merged.find("users", user, fmt::format("context {}: user", context));
  if (!of_user) return std::unexpected(of_user.error());
  EntryReader user_reader(*of_user, "user", user);
  read_user(user_reader, access);
  if (user_reader.mistake()) return std::unexpected(*user_reader.mistake());
  return {};
}

}  // namespace

Status read_server(std::string_view url, Access& into) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidInput, fmt::format("\"{}\" {}; write https://HOST[:PORT]", url, why));
  };
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return wrong("has no scheme");
  const auto word = url.substr(0, scheme);
  if (word != "https" && word != "http") return wrong("is neither https nor http");
  into.tls = word == "https";
  into.port = into.tls ? 443 : 80;
  auto rest = url.substr(scheme + 3);
  const auto slash = std::min(rest.find('/'), rest.size());
  into.path_prefix = rest.substr(slash);
  while (into.path_prefix.ends_with('/')) into.path_prefix.pop_back();
  rest = rest.substr(0, slash);
  if (rest.contains('@')) return wrong("carries a user name, which goes under users");
  const auto bracket = rest.find(']');
  const auto colon = bracket == std::string_view::npos ? rest.find(':') : rest.find(':', bracket);
  into.host = rest.substr(0, std::min(colon, rest.size()));
  if (bracket != std::string_view::npos) {
    if (!rest.starts_with('[') || into.host.size() < 3 || into.host.back() != ']')
      return wrong("has no closed address in brackets");
    into.host = into.host.substr(1, into.host.size() - 2);
  }
  if (into.host.empty()) return wrong("names no host");
  if (colon == std::string_view::npos) return {};
  const auto digits = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into.port);
  if (error != std::errc() || end != digits.data() + digits.size() || into.port == 0)
    return wrong("has no port 1..65535");
  return {};
}

Result<std::string> read_file(const std::string& path, std::string_view what) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFile)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} {} has more than {} bytes; is it the right one?", what, path, kMaxFile));
  if (!file.is_open() || file.bad() || (text.empty() && errno != 0))
    return fail_errno(fmt::format("{} {} cannot be read", what, path), errno != 0 ? errno : EIO);
  return text;
}

Result<Access> access_of(const std::vector<ConfigText>& texts, std::string_view context) {
  const auto merged = Merged::of(texts);
  if (!merged) return std::unexpected(merged.error());
  const auto chosen = context.empty() ? merged->current_context() : std::string(context);
  if (chosen.empty())
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}: no current-context; choose one with --context or `kubectl config use-context`",
                            merged->paths()));
  Access access;
  if (const auto filled = fill(*merged, chosen, access); !filled) return std::unexpected(filled.error());
  return access;
}

}  // namespace conntruth::kube
