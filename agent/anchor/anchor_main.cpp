// conntruth-anchor: holds a network namespace open, and does nothing else. One container of a pod in the pod network:
// the agent of the node finds it by its command line and probes from, and answers in, the namespace that it keeps.

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>

namespace {

constexpr auto kUsage = R"(Usage: conntruth-anchor ORDINAL|workload [--linger SECONDS]

Owns a pod's network namespace, so that the conntruth-agent of its node has a place NODE-pod-ORDINAL to probe from and
to answer in, or, as a workload, a place of the pod's name. Needs no privilege, no file and no network of its own;
prints nothing; ends on SIGTERM or SIGINT, and so many SECONDS (0 to 3600) after the first of them where it lingers: as
a server that goes on serving while its pod is terminating.
Exit codes: 0 ended by a signal, 2 not called as above.
)";

std::optional<unsigned> number_below(std::string_view text, unsigned limit) {
  unsigned value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end || value >= limit) return std::nullopt;
  return value;
}

// Sleeps on in the same call: a second signal does not shorten it.
void linger(unsigned seconds) {
  timespec rest{static_cast<time_t>(seconds), 0};
  while (nanosleep(&rest, &rest) != 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::puts(CONNTRUTH_VERSION);
    return 0;
  }
  const bool lingers = argc == 4 && std::strcmp(argv[2], "--linger") == 0;
  const auto seconds = lingers ? number_below(argv[3], 3601) : std::optional<unsigned>(0);
  const bool known = argc >= 2 && (std::strcmp(argv[1], "workload") == 0 || number_below(argv[1], 100));
  if (!known || !seconds || (argc != 2 && !lingers)) {
    std::fprintf(stderr,
                 "conntruth-anchor: one argument is wanted, a number from 0 to 99 or \"workload\", and at most "
                 "--linger SECONDS after it\n%s",
                 kUsage);
    return 2;
  }
  // As process 1 of a container nobody else sees to it that a signal without a handler ends us.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  int signal = 0;
  while (sigwait(&ending, &signal) != 0) {
  }
  linger(*seconds);
  return 0;
}
