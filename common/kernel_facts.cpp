// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/kernel_facts.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <optional>

namespace flowspec {

namespace {

/// None for who may not know: the list is root's alone to read.
std::optional<bool> is_in_use(Family family, const std::string& table) {
  // Not /proc/net: that is the namespace of the process's first thread.
  const char* const path = family == Family::ipv4 ? "/proc/thread-self/net/ip_tables_names"
                                                  : "/proc/thread-self/net/ip6_tables_names";
  errno = 0;
  std::ifstream names(path);
  if (!names && errno == ENOENT)
    return false; // the kernel has no such tables
  if (!names && errno == EACCES)
    return std::nullopt;
  for (std::string name; std::getline(names, name);)
    if (name == table)
      return true;
  if (!names.eof())
    throw Error(with_errno(fmt::format("read {}", path), errno == 0 ? EIO : errno));
  return false;
}

} // namespace

bool table_in_use(Family family, const std::string& table) {
  return is_in_use(family, table).value_or(true); // to look makes at most an empty table
}

bool table_surely_in_use(Family family, const std::string& table) {
  const std::optional<bool> in_use = is_in_use(family, table);
  if (!in_use)
    throw Error(fmt::format("find out whether anybody uses table {} of {}: only root and group root may read "
                            "/proc/net/{}",
                            table, name(family),
                            family == Family::ipv4 ? "ip_tables_names" : "ip6_tables_names"));
  return *in_use;
}

bool may_track_connections() {
  return access("/proc/sys/net/netfilter/nf_conntrack_count", F_OK) == 0 || errno != ENOENT;
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  return std::getline(file, id) && !id.empty() ? id : "unknown";
}

std::string network_id() {
#ifndef SO_NETNS_COOKIE
  constexpr int SO_NETNS_COOKIE = 71;
#endif
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    throw Error(with_errno("find out the network namespace", errno));
  const bool known = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0;
  close(fd);
  if (known)
    return std::to_string(cookie);
  struct stat here {};
  if (stat("/proc/thread-self/ns/net", &here) != 0)
    throw Error(with_errno("find out the network namespace", errno));
  return fmt::format("inode-{}", here.st_ino);
}

} // namespace flowspec
