#include "controller/fleet/unix_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace conntruth::fleet {

std::optional<std::string> unix_path(const std::string& target) {
  constexpr std::string_view kScheme = "unix:";
  if (!target.starts_with(kScheme)) return std::nullopt;
  auto path = target.substr(kScheme.size());
  if (path.starts_with("//")) path.erase(0, 2);
  return path;
}

Status check_unix_path(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return fail(ErrorCode::kInvalidInput, fmt::format("\"{}\" has {} bytes, a socket path has 1..{}", path, path.size(),
                                                      sizeof(address.sun_path) - 1));
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return fail_errno("make a socket", errno);
  const bool answered = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int number = errno;
  close(probe);
  if (answered || number == EAGAIN) {
    return fail(ErrorCode::kConflict, path + ": another controller listens there; end it or choose another path");
  }
  return {};
}

Status restrict_unix_socket(const std::string& path) {
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) return fail_errno("restrict " + path, errno);
  return {};
}

}  // namespace conntruth::fleet
