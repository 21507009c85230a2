// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/table_words.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace flowspec {

std::string table_title(Family family, std::string_view table) {
  return fmt::format("{} table {}", tables_of(family), table);
}

std::string table_trouble(int code, Family family, std::string_view table) {
  const std::string_view ip = family == Family::ipv4 ? "ip" : "ip6";
  switch (code) {
  case EPERM:
  case EACCES:
    return "it needs root, or CAP_NET_ADMIN and CAP_NET_RAW";
  case ENOPROTOOPT:
    return fmt::format("this kernel has no {}-legacy loaded (modprobe {}table_{})", tables_of(family), ip,
                       table);
  case ENOENT:
    return fmt::format("there is no such table in this kernel (modprobe {}table_{})", ip, table);
  case EAFNOSUPPORT:
    return fmt::format("this kernel has no {}", name(family));
  default:
    return "";
  }
}

} // namespace flowspec
