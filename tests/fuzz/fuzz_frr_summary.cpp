// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/frr_summary.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    flowspec::parse_flowspec_summary({reinterpret_cast<const char*>(data), size});
  } catch (const flowspec::Error&) {
  }
  return 0;
}
