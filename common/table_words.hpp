// SPDX-License-Identifier: GPL-2.0-or-later
//
// What messages say of a table of the kernel.
#pragma once

#include "common/family.hpp"

#include <string>
#include <string_view>

namespace flowspec {

/// "iptables" or "ip6tables": what the family's modules and programs are called after.
constexpr std::string_view tables_of(Family family) {
  return family == Family::ipv4 ? "iptables" : "ip6tables";
}

/// "iptables table filter".
std::string table_title(Family family, std::string_view table);

/// Why a table could not be read or changed, where the errno value `code` says what to do about it; else
/// empty.
std::string table_trouble(int code, Family family, std::string_view table);

} // namespace flowspec
