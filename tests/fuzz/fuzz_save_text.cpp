// SPDX-License-Identifier: GPL-2.0-or-later
//
// iptables-save text, from text to BIRD's configuration.
#include "common/error.hpp"
#include "fetcher/save_text.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  try {
    static_cast<void>(parse_save({reinterpret_cast<const char*>(data), size}, Family::ipv4));
  } catch (const Error&) {
  }
  return 0;
}
