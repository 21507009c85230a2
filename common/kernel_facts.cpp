// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/kernel_facts.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <fstream>

namespace flowspec {

bool table_in_use(Family family, const std::string& table) {
  // Not /proc/net: that is the namespace of the process's first thread.
  const char* const path = family == Family::ipv4 ? "/proc/thread-self/net/ip_tables_names"
                                                  : "/proc/thread-self/net/ip6_tables_names";
  errno = 0;
  std::ifstream names(path);
  if (!names && errno == ENOENT)
    return false; // the kernel has no such tables
  for (std::string name; std::getline(names, name);)
    if (name == table)
      return true;
  if (!names.eof())
    throw Error(with_errno(fmt::format("read {}", path), errno == 0 ? EIO : errno));
  return false;
}

bool may_track_connections() {
  return access("/proc/sys/net/netfilter/nf_conntrack_count", F_OK) == 0 || errno != ENOENT;
}

} // namespace flowspec
