// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random policies, and routes that they meet.
#pragma once

#include "common/policy.hpp"
#include "tests/support/generate.hpp"

namespace flowspec::generate {

/// Of some terms, many of them like an earlier one. No protections.
Policy policy(Random& random);

/// With route targets, communities and now and then what was not understood.
Entry route(Random& random);

} // namespace flowspec::generate
