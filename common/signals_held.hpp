// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <csignal>

namespace flowspec {

/// While it lives, signals that ask this process to end (INT, TERM, HUP, and PIPE of a reader that has gone)
/// wait; then they do what they do. Of this thread; programs that `run` starts are not held.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

} // namespace flowspec
