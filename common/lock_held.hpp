// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/error.hpp"

namespace flowspec {

/// Somebody else held a lock for longer than one was willing to wait.
class LockHeld : public Error {
 public:
  using Error::Error;
};

} // namespace flowspec
