#include "kube/exec_plugin.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <vector>

#include "kube/sockets.hpp"

namespace conntruth::kube {
namespace {

using Json = nlohmann::json;
using Deadline = std::chrono::steady_clock::time_point;

constexpr std::size_t kMaxOutput = std::size_t{1} << 20U;

std::string exec_info(const Access& access) {
  Json info{{"apiVersion", access.exec->api_version}, {"kind", "ExecCredential"}, {"spec", {{"interactive", false}}}};
  if (access.exec->provide_cluster_info) {
    const auto* form = access.host.contains(':') ? "{}://[{}]:{}{}" : "{}://{}:{}{}";
    auto& cluster = info["spec"]["cluster"];
    cluster["server"] =
        fmt::format(fmt::runtime(form), access.tls ? "https" : "http", access.host, access.port, access.path_prefix);
    if (access.skip_tls_verify) cluster["insecure-skip-tls-verify"] = true;
    if (!access.tls_server_name.empty()) cluster["tls-server-name"] = access.tls_server_name;
  }
  return info.dump();
}

std::vector<std::string> environment_of(const Access& access) {
  std::vector<std::string> result;
  auto own = access.exec->environment;
  own.emplace_back("KUBERNETES_EXEC_INFO", exec_info(access));
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view line = *each;
    const auto name = line.substr(0, line.find('='));
    if (std::ranges::find(own, name, [](const auto& pair) { return std::string_view(pair.first); }) == own.end())
      result.emplace_back(line);
  }
  for (const auto& [name, value] : own) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

struct Pipe {
  Fd read;
  Fd write;
  static Result<Pipe> make() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", errno);
    return Pipe{Fd(ends[0]), Fd(ends[1])};
  }
};

Result<pid_t> start(const Access& access, const Pipe& output, const Pipe& complaints) {
  std::vector<std::string> words{access.exec->command};
  words.insert(words.end(), access.exec->arguments.begin(), access.exec->arguments.end());
  auto variables = environment_of(access);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, complaints.write.get(), 2);
  pid_t process = -1;
  const auto number = ::posix_spawnp(&process, words.front().c_str(), &actions, nullptr, pointers(words).data(),
                                     pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (number == 0) return process;
  auto error = fail_errno(fmt::format("exec plug-in {}", access.exec->command), number).error();
  error.message += access.exec->install_hint.empty() ? "; install it, or correct the user's exec.command"
                                                     : "; " + access.exec->install_hint;
  return std::unexpected(error);
}

int milliseconds_left(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

// Reads both pipes to their ends; false: the deadline came first.
bool drain(std::array<std::pair<const Fd*, std::string*>, 2> pipes, Deadline deadline) {
  std::array<pollfd, 2> waits{pollfd{pipes[0].first->get(), POLLIN, 0}, pollfd{pipes[1].first->get(), POLLIN, 0}};
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    const auto ready = ::poll(waits.data(), waits.size(), milliseconds_left(deadline));
    if (ready == 0) return false;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits.at(i).fd < 0 || waits.at(i).revents == 0) continue;
      std::array<char, 4096> chunk{};
      const auto got = ::read(waits.at(i).fd, chunk.data(), chunk.size());
      if (got <= 0) waits.at(i).fd = -1;
      if (got > 0 && pipes.at(i).second->size() < kMaxOutput)
        pipes.at(i).second->append(chunk.data(), static_cast<std::size_t>(got));
    }
  }
  return true;
}

// Ends with the process: by itself until the deadline, else killed.
Result<int> reap(pid_t process, bool in_time, Deadline deadline) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  pollfd ended{handle.get(), POLLIN, 0};
  if (!in_time || ::poll(&ended, 1, milliseconds_left(deadline)) <= 0) {
    in_time = false;
    ::kill(process, SIGKILL);
  }
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) return fail(ErrorCode::kUnavailable, "did not end in time and was killed");
  return status;
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
}

std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
  std::tm parts{};
  const auto* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  if (*rest == '.') rest += 1 + std::strspn(rest + 1, "0123456789");
  long offset = 0;
  if (*rest == '+' || *rest == '-') {
    int hours = 0;
    int minutes = 0;
    if (std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2) return std::nullopt;  // NOLINT(cert-err34-c)
    offset = (hours * 60L + minutes) * (*rest == '+' ? 60 : -60);
  } else if (std::string_view(rest) != "Z") {
    return std::nullopt;
  }
  return std::chrono::system_clock::from_time_t(::timegm(&parts) - offset);
}

Result<PluginCredential> read_exec_credential(std::string_view text, std::string_view api_version) {
  const auto wrong = [](std::string why) { return fail(ErrorCode::kInvalidInput, std::move(why)); };
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return wrong("printed no ExecCredential but something that is no JSON object");
  if (text_at(json, "kind") != "ExecCredential") return wrong("printed no object of kind ExecCredential");
  if (text_at(json, "apiVersion") != api_version)
    return wrong(fmt::format("printed apiVersion \"{}\", the user's exec.apiVersion is \"{}\"",
                             text_at(json, "apiVersion"), api_version));
  const auto status = json.find("status");
  if (status == json.end() || !status->is_object()) return wrong("printed no status");
  PluginCredential result;
  result.token = text_at(*status, "token");
  result.certificate_pem = text_at(*status, "clientCertificateData");
  result.key_pem = text_at(*status, "clientKeyData");
  if (result.token.empty() && result.certificate_pem.empty())
    return wrong("printed neither token nor clientCertificateData");
  if (result.certificate_pem.empty() != result.key_pem.empty())
    return wrong("printed only one of clientCertificateData and clientKeyData");
  if (const auto until = text_at(*status, "expirationTimestamp"); !until.empty()) {
    result.expires = parse_time(until);
    if (!result.expires)
      return wrong(fmt::format("printed expirationTimestamp \"{}\", which is no RFC 3339 time", until));
  }
  return result;
}

Result<PluginCredential> run_plugin(const Access& access, Deadline deadline) {
  const auto named = fmt::format("exec plug-in {}", access.exec->command);
  auto output = Pipe::make();
  auto complaints = Pipe::make();
  if (!output || !complaints) return fail_errno(named, errno);
  const auto process = start(access, *output, *complaints);
  if (!process) return std::unexpected(process.error());
  output->write = Fd();
  complaints->write = Fd();
  std::string printed;
  std::string complained;
  const auto in_time = drain({{{&output->read, &printed}, {&complaints->read, &complained}}}, deadline);
  const auto status = reap(*process, in_time, deadline);
  if (!status) return std::unexpected(status.error().in(named));
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0)
    return fail(ErrorCode::kPermission,
                fmt::format("{}: ended with {}: {}", named,
                            WIFEXITED(*status) ? fmt::format("exit code {}", WEXITSTATUS(*status)) : "a signal",
                            complained.empty() ? "it said nothing" : last_line(complained)));
  auto credential = read_exec_credential(printed, access.exec->api_version);
  if (!credential) return std::unexpected(credential.error().in(named));
  return credential;
}

}  // namespace conntruth::kube
