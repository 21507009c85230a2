// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/kernel_facts.hpp"

#include <cstdint>
#include <fstream>

namespace flowspec {

bool table_in_use(Family family, const std::string& table) {
  // Not /proc/net: that is the namespace of the process's first thread.
  std::ifstream names(family == Family::ipv4 ? "/proc/thread-self/net/ip_tables_names"
                                             : "/proc/thread-self/net/ip6_tables_names");
  for (std::string name; std::getline(names, name);)
    if (name == table)
      return true;
  return false;
}

bool tracks_connections() {
  std::ifstream file("/proc/sys/net/netfilter/nf_conntrack_count");
  std::uint64_t count = 0;
  return file >> count && count > 0;
}

} // namespace flowspec
