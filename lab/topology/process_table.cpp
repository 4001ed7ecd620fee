#include "lab/topology/process_table.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <utility>

namespace conntruth::lab {

namespace {

// What could be read: a process may end between opening and reading.
std::string read_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t length = 1; file && length > 0;) {
    length = ::read(file.get(), buffer.data(), buffer.size());
    if (length > 0) text.append(buffer.data(), static_cast<std::size_t>(length));
  }
  return text;
}

std::vector<std::string> split_arguments(const std::string& cmdline) {
  std::vector<std::string> arguments;
  std::size_t begin = 0;
  while (begin < cmdline.size()) {
    const auto end = std::min(cmdline.find('\0', begin), cmdline.size());
    arguments.push_back(cmdline.substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

// /proc/PID/stat: the program's name stands in parentheses and may hold anything, so fields count from the last one.
bool read_stat(const std::string& directory, Process& process) {
  const auto text = read_file(directory + "/stat");
  const auto close = text.rfind(')');
  if (close == std::string::npos) return false;
  std::istringstream fields(text.substr(close + 1));
  std::string state;
  fields >> state >> process.parent;
  std::string skipped;
  for (int field = 5; field < 22; ++field) fields >> skipped;
  fields >> process.start_time;
  return static_cast<bool>(fields);
}

// "Uid:" real effective saved filesystem; "NSpid:" one pid per nested PID namespace, ours first.
void read_status(const std::string& directory, Process& process) {
  std::istringstream lines(read_file(directory + "/status"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string key;
    fields >> key;
    if (key == "Uid:") {
      unsigned real = 0;
      unsigned effective = 0;
      fields >> real >> effective;
      process.root = fields && effective == 0;
    } else if (key == "NSpid:") {
      int levels = 0;
      for (pid_t pid = 0; fields >> pid; ++levels) process.inside = pid;
      process.nested = levels > 1;
    }
  }
}

std::optional<pid_t> as_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return pid;
}

}  // namespace

std::string_view Process::program() const {
  if (argv.empty()) return {};
  const std::string_view path = argv.front();
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::optional<Process> read_process(pid_t pid) {
  const auto directory = fmt::format("/proc/{}", pid);
  Process process;
  process.pid = pid;
  if (!read_stat(directory, process)) return std::nullopt;
  read_status(directory, process);
  process.argv = split_arguments(read_file(directory + "/cmdline"));
  struct stat namespace_file{};
  if (::stat((directory + "/ns/pid").c_str(), &namespace_file) == 0) process.pid_namespace = namespace_file.st_ino;
  return process;
}

namespace {

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    if (const auto pid = as_pid(entry->path().filename().string())) pids.push_back(*pid);
  }
  return pids;
}

}  // namespace

std::vector<Process> read_processes() {
  std::vector<Process> processes;
  for (const auto pid : all_pids()) {
    if (auto process = read_process(pid)) processes.push_back(std::move(*process));
  }
  return processes;
}

std::vector<InitProcess> read_inits() {
  std::vector<Process> processes;
  for (const auto pid : all_pids()) {
    Process named;
    named.argv = split_arguments(read_file(fmt::format("/proc/{}/cmdline", pid)));
    if (named.program() != kInitProgram) continue;
    if (auto process = read_process(pid)) processes.push_back(std::move(*process));
  }
  return inits_among(processes);
}

std::vector<InitProcess> inits_among(const std::vector<Process>& processes) {
  std::vector<InitProcess> inits;
  for (const auto& process : processes) {
    if (process.program() != kInitProgram || process.argv.size() != 3) continue;
    if (!process.root || !process.nested || process.inside != 1) continue;
    inits.push_back({process.argv[1], process.argv[2], process});
  }
  return inits;
}

Result<Fd> open_process(const Process& process) {
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd) return fail_errno(fmt::format("pidfd_open of process {}", process.pid), errno);
  const auto now = read_process(process.pid);
  if (!now || now->start_time != process.start_time) {
    return fail(ErrorCode::kNotFound, fmt::format("process {} is gone", process.pid));
  }
  return pidfd;
}

}  // namespace conntruth::lab
