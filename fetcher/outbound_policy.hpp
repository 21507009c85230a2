// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy for what is published: the outbound side of the clarification draft's section 10.
#pragma once

#include "common/policy.hpp"
#include "common/sequence_carrier.hpp"
#include "fetcher/publication.hpp"

#include <string>
#include <vector>

namespace flowspec {

/// Throws UsageError for what cannot be published: a redirect to a target without a two-octet AS number, a
/// rate that would arrive as 0, two things in one community, a protection without an order.
void check_outbound(const Policy& policy, const SequenceCarrier& carrier, const std::string& file);

/// Applies the terms to the routes of one family, in their order. Each protection becomes a route that
/// accepts its packets, with sequence number 0, before all others: so no route touches them, whatever its
/// rate. Gives words for a person: how many routes each term rejects.
std::vector<std::string> apply_outbound(const Policy& policy, Publication& publication);

} // namespace flowspec
