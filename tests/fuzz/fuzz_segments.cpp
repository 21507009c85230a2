// SPDX-License-Identifier: GPL-2.0-or-later
//
// The document of segments: any bytes give segments that are fit for chains, or a UsageError.
#include "common/error.hpp"
#include "injector/layout.hpp"
#include "injector/wanted.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <unordered_set>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  constexpr std::size_t longest_chain = 28;
  CompileOptions options;
  try {
    options.segments = parse_segments({reinterpret_cast<const char*>(data), size}, "FILE");
    if (options.segments.empty() || segments_text(options.segments, options.untargeted).empty())
      std::abort();
    check_segments(options);
  } catch (const UsageError&) {
    return 0;
  }
  Entry entry;
  entry.route_targets = options.segments.front().import;
  const std::array families{Family::ipv4};
  std::unordered_set<std::string_view> names;
  const Wanted wanted = arrange({entry}, families, options);
  for (const Chain& chain : wanted.tables.front().chains)
    if (chain.name.size() > longest_chain || !names.insert(chain.name).second)
      std::abort();
  return 0;
}
