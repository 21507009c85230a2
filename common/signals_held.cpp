// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/signals_held.hpp"

#include <initializer_list>

namespace flowspec {

SignalsHeld::SignalsHeld() {
  sigset_t held;
  sigemptyset(&held);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
    sigaddset(&held, signal);
  pthread_sigmask(SIG_BLOCK, &held, &before_);
}

SignalsHeld::~SignalsHeld() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace flowspec
