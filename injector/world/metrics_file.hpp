// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "injector/options.hpp"
#include "injector/state.hpp"

namespace flowspec {

/// Writes --metrics-file as a whole, with the kernel's counters when they are asked for; nothing without
/// that option. Says it on standard error when it cannot: the rules are what matters.
void write_metrics(const State& state, const Options& options);

/// The same. Throws Error.
void write_metrics_or_throw(const State& state, const Options& options);

} // namespace flowspec
