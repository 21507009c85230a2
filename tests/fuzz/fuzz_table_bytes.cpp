// SPDX-License-Identifier: GPL-2.0-or-later
//
// A table as the kernel gives it: any bytes are a table, as often with as without a hook at some place, or an
// error; and what every rule counted belongs to the rules.
#include "common/error.hpp"
#include "common/table_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  if (size < 6)
    return 0;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    TableBytes table{family, "filter", data[0], {}, {reinterpret_cast<const std::byte*>(data + 6), size - 6}};
    for (std::size_t hook = 0; hook < table.first.size(); ++hook)
      table.first[hook] = 8U * data[1 + hook];
    try {
      const Ruleset rules = rules_of(table);
      const std::vector<ChainCounters> counters = counters_of(table);
      if (counters.size() != rules.chains.size())
        std::abort();
      for (std::size_t chain = 0; chain < counters.size(); ++chain)
        if (counters[chain].chain != rules.chains[chain].name ||
            counters[chain].rules.size() != rules.chains[chain].rules.size())
          std::abort();
    } catch (const Error&) { // no table
    }
  }
  return 0;
}
