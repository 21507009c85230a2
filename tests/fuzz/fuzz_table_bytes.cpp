// SPDX-License-Identifier: GPL-2.0-or-later
//
// A table as the kernel gives it: any bytes are a table or an error; and what every rule counted belongs to
// the rules.
#include "common/error.hpp"
#include "common/table_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  constexpr std::size_t head = 11; // which hooks there are, then where their chains begin
  if (size < head)
    return 0;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const auto* entries = reinterpret_cast<const std::byte*>(data + head);
    TableBytes table{family, "filter", data[0], {}, {entries, size - head}};
    for (std::size_t hook = 0; hook < table.first.size(); ++hook)
      table.first[hook] = 8U * (data[1 + 2 * hook] | static_cast<unsigned>(data[2 + 2 * hook]) << 8);
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
