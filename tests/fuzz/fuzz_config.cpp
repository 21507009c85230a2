// SPDX-License-Identifier: GPL-2.0-or-later
//
// The configuration file: any bytes give options that make sense, or a UsageError, and nothing else.
#include "common/error.hpp"
#include "injector/options.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

/// Holds the bytes, and is nowhere on disk.
int anonymous_file() {
  static const int file = memfd_create("configuration", MFD_CLOEXEC);
  if (file < 0)
    std::abort();
  return file;
}

bool makes_sense(const flowspec::Options& options) {
  using namespace std::chrono_literals;
  return options.timeout > 0ms && options.lock_wait >= 0ms && options.poll.settle >= 0ms &&
         options.run.interval > 0ms && options.run.full_interval > 0ms &&
         options.run.longest_back_off > 0ms && options.hold.hold_time.value_or(0ms) >= 0ms &&
         options.hold.confirm_after >= 0ms && options.hold.max_withdraw >= 0 &&
         options.hold.max_withdraw <= 1 && !options.ours.chain.empty() && !options.compile.parents.empty() &&
         options.compile.burst > 0;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  const int file = anonymous_file();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size))
    std::abort();
  const std::array<const char*, 4> argv{"flowspec-injector", "run", "--config", path.c_str()};
  try {
    const auto options = parse_options(argv.size(), argv.data());
    if (!options || !makes_sense(*options))
      std::abort();
  } catch (const UsageError&) {
  }
  return 0;
}
