// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/process.hpp"
#include "common/signals_held.hpp"

#include <catch2/catch.hpp>

#include <csignal>

using namespace flowspec;

namespace {

volatile std::sig_atomic_t arrived = 0;

void count(int /*signal*/) {
  arrived = arrived + 1;
}

} // namespace

TEST_CASE("signals that are held come afterwards") {
  const auto signal_number = GENERATE(SIGINT, SIGTERM, SIGHUP, SIGPIPE);
  arrived = 0;
  auto* const before = signal(signal_number, count);
  {
    const SignalsHeld held;
    static_cast<void>(raise(signal_number));
    CHECK(arrived == 0);
    CHECK(run({"sh", "-c", "kill -" + std::to_string(signal_number) + " $$; echo alive"}).exit_code ==
          128 + signal_number);
  }
  CHECK(arrived == 1);
  static_cast<void>(signal(signal_number, before));
}
