// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace flowspec {

/// What somebody wants of the daemon, or that it has waited long enough.
enum class Wake { time, poll_now, reload, stop };

} // namespace flowspec
