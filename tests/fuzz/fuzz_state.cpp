// SPDX-License-Identifier: GPL-2.0-or-later
//
// The state file: any bytes give a state or an Error, and nothing else. A state that was read is written as
// it is.
#include "common/error.hpp"
#include "injector/state.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  const Origin origin{"boot", "net", "FLOWSPEC"};
  State state;
  try {
    state = parse_state({reinterpret_cast<const char*>(data), size}, origin);
  } catch (const Error&) {
    return 0;
  }
  if (parse_state(state_text(state, origin), origin) != state)
    std::abort();
  return 0;
}
