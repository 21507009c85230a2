// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-m frag` and `-m ipv6header`.
#include "fetcher/match_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flowspec {

namespace {

/// A bit of Ipv6HeaderMatch::headers, and what iptables takes for it.
struct HeaderName {
  std::uint8_t bit;
  std::array<std::string_view, 3> words; ///< from /etc/protocols or as a number, and two of iptables' own
};

constexpr std::array<HeaderName, 8> header_names{{{1U << 7, {"0", "hop-by-hop", "hop"}},
                                                  {1U << 6, {"60", "ipv6-opts", "dst"}},
                                                  {1U << 5, {"43", "ipv6-route", "route"}},
                                                  {1U << 4, {"44", "ipv6-frag", "frag"}},
                                                  {1U << 3, {"51", "ah", "auth"}},
                                                  {1U << 2, {"50", "esp", "esp"}},
                                                  {1U << 1, {"59", "ipv6-nonxt", "none"}},
                                                  {1U << 0, {"255", "protocol", "prot"}}}};

std::uint8_t header_bit(std::string_view word, std::string_view option) {
  const auto* found = std::ranges::find_if(header_names, [word](const HeaderName& name) {
    return std::ranges::find(name.words, word) != name.words.end();
  });
  if (found == header_names.end())
    throw UnreadablePart(fmt::format("{} {}", option, word));
  return found->bit;
}

} // namespace

FragmentMatch read_fragment(std::span<const RuleOption> options) {
  FragmentMatch match;
  for (const RuleOption& option : options) {
    option.must_be_plain();
    match.first |= option.name == "--fragfirst";
    match.more |= option.name == "--fragmore";
    match.last |= option.name == "--fraglast";
  }
  if (match.more && match.last)
    throw UnreadablePart("--fragmore and --fraglast");
  return match;
}

Ipv6HeaderMatch read_ipv6_header(std::span<const RuleOption> options) {
  Ipv6HeaderMatch match;
  bool soft = false;
  for (const RuleOption& option : options) {
    if (option.name == "--soft") {
      option.must_be_plain();
      soft = true;
      continue;
    }
    for (const std::string_view word : split(option.value(), ','))
      match.headers |= header_bit(word, option.name);
    match.negated = option.negated;
  }
  if (!soft)
    throw UnreadablePart("-m ipv6header without --soft");
  if (match.headers == 0)
    throw UnreadablePart("-m ipv6header without a header");
  return match;
}

} // namespace flowspec
