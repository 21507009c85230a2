// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules in iptables notation, as `iptables-save` prints and `iptables-restore` takes it. The order of the
// options is iptables-save's own, so that the two can be compared line by line.
#pragma once

#include "common/rule.hpp"

#include <string>

namespace flowspec {

/// "-d 10.0.0.0/8 -p tcp -m tcp --dport 80 -j DROP": a rule without its chain. What an opaque part says is
/// shown as
/// "[NAME rev N, M bytes]", which no iptables takes.
std::string to_string(const Rule& rule, Family family);

/// `text` as one argument of an iptables-restore line: as it is when it is a plain word, else in double
/// quotes with backslashes.
std::string quoted(std::string_view text);

} // namespace flowspec
