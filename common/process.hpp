// SPDX-License-Identifier: GPL-2.0-or-later
//
// Child processes: the only file that forks.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace flowspec {

struct Finished {
  int exit_code = 0; ///< 128 + N when signal N ended it
  std::string out;
  std::string err;
};

struct Limits {
  std::chrono::milliseconds time{10'000};
  std::size_t out_bytes = 256U << 20; ///< more than this on stdout is an Error
};

/// Runs `argv` (argv[0] is looked up in PATH; no shell) with empty standard input, drains stdout and stderr
/// while it runs, and waits for it. Throws Error when it cannot be started, outlives the time limit or prints
/// too much; then the whole process group has been killed and reaped.
Finished run(const std::vector<std::string>& argv, const Limits& limits = {});

} // namespace flowspec
