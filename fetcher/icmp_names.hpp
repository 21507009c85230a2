// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/family.hpp"

#include <string_view>

namespace flowspec {

/// The numbers of an ICMP type, "3" or with its code "3/4", by the name that iptables takes for it; empty
/// when there is no such name. iptables-save prints numbers, but files that people write have names.
std::string_view icmp_numbers(std::string_view name, Family family);

} // namespace flowspec
