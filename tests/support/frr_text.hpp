// SPDX-License-Identifier: GPL-2.0-or-later
//
// Entries as FRR shows them: without the AND bits of numeric lists.
#pragma once

#include "common/entry.hpp"
#include "common/sequence_carrier.hpp"

#include <span>
#include <string>

namespace flowspec::test {

/// What `show bgp ipv4|ipv6 flowspec detail json` would print for `entries`: values in the order and form in
/// which a speaker sends them, rates, route targets and sequence numbers as communities. Other actions have
/// no text here.
std::string frr_text(std::span<const Entry> entries, const SequenceCarrier& carrier);

} // namespace flowspec::test
