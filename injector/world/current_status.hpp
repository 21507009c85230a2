// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "injector/options.hpp"
#include "injector/status.hpp"

namespace flowspec {

/// What is enforced now, from the state and the kernel; FRR is not asked. Throws Error when the kernel cannot
/// be read.
Status current_status(const Options& options);

} // namespace flowspec
