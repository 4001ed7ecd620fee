// conntruth-anchor: holds a network namespace open, and does nothing else. One container of a pod in the pod network:
// the agent of the node finds it by its command line and probes from, and answers in, the namespace that it keeps.

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace {

constexpr auto kUsage = R"(Usage: conntruth-anchor ORDINAL

Owns a pod's network namespace, so that the conntruth-agent of its node has a place NODE-pod-ORDINAL to probe from and
to answer in. Needs no privilege, no file and no network of its own; prints nothing; ends on SIGTERM or SIGINT.
Exit codes: 0 ended by a signal, 2 not called as above.
)";

bool is_ordinal(std::string_view text) {
  unsigned value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stopped == end && value < 100;
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
  if (argc != 2 || !is_ordinal(argv[1])) {
    std::fprintf(stderr, "conntruth-anchor: one argument is wanted, a number from 0 to 99\n%s", kUsage);
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
  return 0;
}
