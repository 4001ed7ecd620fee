#include "common/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace conntruth {

// By system calls: a stream's iterator throws where a read fails.
Result<std::string> read_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail_errno("open " + path, errno);
  std::string text;
  std::array<char, 65536> chunk{};
  ssize_t got = 0;
  do {
    got = ::read(descriptor, chunk.data(), chunk.size());
    if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
  } while (got > 0 || (got < 0 && errno == EINTR));
  const int number = errno;
  ::close(descriptor);
  if (got < 0) return fail_errno("read " + path, number);
  return text;
}

}  // namespace conntruth
