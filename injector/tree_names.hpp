// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the chains of a tree are called after: the decisions that lead to them.
#pragma once

#include "common/prefix.hpp"
#include "injector/tree_cut.hpp"

#include <cstdint>
#include <string_view>

namespace flowspec {

/// The same on every machine.
std::uint64_t mixed(std::uint64_t hash, std::uint64_t value);
std::uint64_t mixed(std::uint64_t hash, std::string_view name);
std::uint64_t mixed(std::uint64_t hash, const Prefix& prefix);
std::uint64_t mixed(std::uint64_t hash, const TreeRegion& region);

} // namespace flowspec
