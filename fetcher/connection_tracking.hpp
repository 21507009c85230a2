// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/rule.hpp"
#include "common/ruleset.hpp"

namespace flowspec {

/// True for a rule that has the kernel track connections, in whatever table: by a match that asks for them,
/// or a target that translates addresses or marks connections. Fragments are then put together before any
/// chain sees them.
bool tracks_connections(const Rule& rule);

/// True when some rule of the table does.
bool tracks_connections(const Ruleset& table);

} // namespace flowspec
