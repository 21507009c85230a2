// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/edit.hpp"

#include <vector>

namespace flowspec {

/// What has to be done to `current` so that it is `desired`: apply(diff(a, b), a) == b up to the order of the
/// chains. Rules that both have in the same order stay, as many as can; nothing is deleted before the chains
/// that are needed exist. Both must be of the same table, with the same built-in chains and policies.
std::vector<Edit> diff(const Ruleset& current, const Ruleset& desired);

} // namespace flowspec
