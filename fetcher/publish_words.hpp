// SPDX-License-Identifier: GPL-2.0-or-later
//
// The words on the command line that say how rules are published.
#pragma once

#include "common/sequence_carrier.hpp"
#include "fetcher/publication.hpp"

#include <string_view>
#include <vector>

namespace flowspec {

/// "[in:|out:]IFACE=ASN:N", the value of --interface-rt. Throws UsageError.
InterfaceTarget interface_target(std::string_view text);

/// Throws UsageError when one side of an interface has two route targets, when two names stand for some of
/// the same interfaces ("eth+", "eth0"), and when a route target is a sequence number of `carrier`.
void check(const std::vector<InterfaceTarget>& targets, const SequenceCarrier& carrier);

/// True when FRR `version`, like "8.4" or "10.7.0", loses one of two routes of which one's bytes begin the
/// other's: from 10.7 on. Throws UsageError when it is no version.
bool loses_common_beginnings(std::string_view version);

} // namespace flowspec
