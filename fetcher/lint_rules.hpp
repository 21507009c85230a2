// SPDX-License-Identifier: GPL-2.0-or-later
//
// What FRR does with the routes that BIRD announces to it.
#pragma once

#include "fetcher/bird_flow.hpp"
#include "fetcher/lint_finding.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// Why FRR resets the session over `flow`, and what would be taken for something else. Empty when FRR takes
/// it and shows it so that only one meaning is left. A component that cannot be told is judged by the rest of
/// it.
std::vector<Complaint> complaints_of_frr(const BirdFlow& flow);

struct Announced {
  std::string place;            ///< how a person finds it
  std::optional<BirdFlow> flow; ///< none when BIRD announces nothing, or what it announces is not known
};

/// The same for each of `routes`, and which of them is lost beside which other one: BIRD keeps the first of
/// two that are the same, and FRR 10.7 one of two when the bytes of the one begin with those of the other.
std::vector<std::vector<Complaint>> complaints_of_frr(std::span<const Announced> routes);

} // namespace flowspec
