// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kernel's bytes of a rule: any bytes decode to some rule, and one that can be written again comes back
// the same. What its target is called comes from libiptc, beside the bytes.
#include "common/rule_text.hpp"
#include "common/xtables_codec.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <stdexcept>

namespace {

struct Called {
  const char* name;
  bool is_chain;
};
constexpr Called targets[] = {{"DROP", false}, {"FLOWSPEC-x", true}, {"REJECT", false},
                              {"DSCP", false}, {"MARK", false},      {"NFLOG", false}};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const Called& target : targets) {
      const Rule rule = decode(bytes, family, target.name, target.is_chain);
      static_cast<void>(to_string(rule, family));
      try {
        if (decode(encode(rule, family), family, target.name, target.is_chain) != rule)
          std::abort();
      } catch (const std::invalid_argument&) { // has a part that is not ours to write
      }
    }
  return 0;
}
