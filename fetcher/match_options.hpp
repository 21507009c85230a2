// SPDX-License-Identifier: GPL-2.0-or-later
//
// The options of one match, as iptables-save prints them, as a Match.
#pragma once

#include "common/rule.hpp"
#include "fetcher/rule_option.hpp"

#include <span>
#include <string_view>

namespace flowspec {

/// The match that `-m NAME` and the options behind it make. Throws UnreadablePart, naming the option, for
/// whatever no member of it holds.
Match read_match(std::string_view name, std::span<const RuleOption> options, Family family);

/// Those with a notation of their own.
HashlimitMatch read_hashlimit(std::span<const RuleOption> options, Family family);
U32Match read_u32(std::span<const RuleOption> options);
/// Of fields of the IP header.
DscpMatch read_dscp(std::span<const RuleOption> options);
TosMatch read_tos(std::span<const RuleOption> options);
IprangeMatch read_iprange(std::span<const RuleOption> options, Family family);
/// The two that only IPv6 has.
FragmentMatch read_fragment(std::span<const RuleOption> options);
Ipv6HeaderMatch read_ipv6_header(std::span<const RuleOption> options);

} // namespace flowspec
