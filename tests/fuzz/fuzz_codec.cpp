// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kernel's bytes of a rule: any bytes decode to some rule, and one that can be written again comes back
// the same.
#include "common/rule_text.hpp"
#include "common/xtables_codec.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const Rule rule = decode(bytes, family, "DROP", false);
    static_cast<void>(to_string(rule, family));
    try {
      if (decode(encode(rule, family), family, "DROP", false) != rule)
        std::abort();
    } catch (const std::invalid_argument&) { // has a part that is not ours to write
    }
  }
  return 0;
}
