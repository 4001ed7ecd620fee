#include "agent/observe/netlink_owner.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace conntruth::observe {

namespace {

// The socket's inode by the table of the process' own network namespace; "" where it has no such socket.
// Columns: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode.
std::string inode_of(const std::string& process, std::uint32_t port) {
  std::ifstream table(process + "/net/netlink");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    std::string skipped;
    std::string inode;
    int protocol = -1;
    std::uint32_t owner = 0;
    columns >> skipped >> protocol >> owner >> skipped >> skipped >> skipped >> skipped >> skipped >> skipped >> inode;
    if (protocol == NETLINK_NETFILTER && owner == port) return inode;
  }
  return "";
}

}  // namespace

std::string netfilter_socket_owner(std::uint32_t port, const std::string& proc) {
  const auto process = fmt::format("{}/{}", proc, port);
  const auto inode = inode_of(process, port);
  if (inode.empty()) return "";
  const auto wanted = "socket:[" + inode + "]";
  std::error_code error;
  for (std::filesystem::directory_iterator each(process + "/fd", error), end; !error && each != end;
       each.increment(error)) {
    std::error_code gone;
    if (std::filesystem::read_symlink(each->path(), gone) != wanted) continue;
    std::string name;
    std::getline(std::ifstream(process + "/comm") >> std::ws, name);
    return fmt::format("{} ({})", name, port);
  }
  return "";
}

}  // namespace conntruth::observe
