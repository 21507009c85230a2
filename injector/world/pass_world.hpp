// SPDX-License-Identifier: GPL-2.0-or-later
//
// The world of a pass as it is: FRR, the kernel, the clocks, the files.
#pragma once

#include "injector/options.hpp"
#include "injector/pass.hpp"

#include <functional>
#include <memory>

namespace flowspec {

/// FRR as `options` say: through vtysh, or through bgpd's socket.
AskFrr ask_frr(const Options& options);

/// A table with its lock, for as long as it may be committed; adds to `waited` how long the lock took.
OpenTable open_table(Family family, const std::string& table, std::chrono::milliseconds lock_wait,
                     std::chrono::milliseconds& waited);

/// Since the machine started.
Instant monotonic_now();
/// Seconds of the clock on the wall: for people, and for nothing else.
std::int64_t unix_now();

/// Throws Error when this machine is not what is needed.
PassWorld pass_world(const Options& options);

} // namespace flowspec
