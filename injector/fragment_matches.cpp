// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/fragment_matches.hpp"

#include "common/entry.hpp"

#include <array>

namespace flowspec {

namespace {

using namespace fragment_bit;

/// Where a packet stands in its datagram.
enum Position : unsigned { whole, first, middle, last };
constexpr std::array<std::uint16_t, 4> bits_of{0, first_fragment, is_fragment, is_fragment | last_fragment};

bool holds_at(const BitTests& fragment, Position position, bool dont_fragment_set = false) {
  return fragment.holds(
      static_cast<std::uint16_t>(bits_of.at(position) | (dont_fragment_set ? dont_fragment : 0)));
}

template <class Each>
void for_each_state(Family family, bool transport, Each each) {
  for (const Position position : {whole, first, middle, last})
    for (const bool dont_fragment_set : {false, true})
      if (!(transport && position >= middle) && !(family == Family::ipv6 && dont_fragment_set))
        each(position, dont_fragment_set);
}

constexpr unsigned set_of(bool at_whole, bool at_first, bool at_middle, bool at_last) {
  return (at_whole ? 1U : 0U) | (at_first ? 2U : 0U) | (at_middle ? 4U : 0U) | (at_last ? 8U : 0U);
}

} // namespace

ValueSet ipv4_fragment_values(const BitTests& fragment) {
  constexpr std::uint32_t more = 0x2000;
  constexpr std::uint32_t offsets = 0x1fff;
  constexpr std::array<Interval, 4> places{{{0, 0}, {more, more}, {more + 1, more + offsets}, {1, offsets}}};
  std::vector<Interval> intervals;
  for_each_state(Family::ipv4, false, [&](Position position, bool dont_fragment_set) {
    if (!holds_at(fragment, position, dont_fragment_set))
      return;
    const std::uint32_t flag = dont_fragment_set ? 0x4000 : 0;
    const Interval& place = places.at(position);
    intervals.push_back({place.first + flag, place.last + flag});
  });
  return {0x7fff, std::move(intervals)};
}

std::optional<FragmentMatches> ipv6_fragment_matches(const BitTests& fragment, bool transport) {
  // `-m frag` stands first in each list: it discards a packet whose extension headers are cut off, of which
  // `-m ipv6header` would only know that it has seen no fragment header so far.
  // A packet with a fragment header and both offset 0 and no more fragments is whole (RFC 6946), so that
  // "first" and "last" both hold for it.
  const std::vector<Match> no_header{Ipv6HeaderMatch{Ipv6HeaderMatch::fragment, true}};
  const std::vector<Match> offset_0{FragmentMatch{.first = true}};
  const std::vector<Match> atomic{FragmentMatch{.first = true, .last = true}};
  const std::vector<Match> opening{FragmentMatch{.first = true, .more = true}};
  const std::vector<Match> more{FragmentMatch{.more = true}};
  const std::vector<Match> no_more{FragmentMatch{.last = true}};
  const bool later = !transport; // of what is excluded anyway, whatever is easiest is said
  switch (set_of(holds_at(fragment, whole), holds_at(fragment, first), later && holds_at(fragment, middle),
                 later && holds_at(fragment, last))) {
  case set_of(true, false, false, false):
    return FragmentMatches{{atomic, no_header}, {}};
  case set_of(false, true, false, false):
    return FragmentMatches{{opening}, {}};
  case set_of(true, true, false, false):
    return FragmentMatches{{offset_0, no_header}, {}};
  case set_of(false, false, true, false):
    return FragmentMatches{{}, {offset_0, no_more, no_header}};
  case set_of(true, false, false, true):
    return FragmentMatches{{no_more, no_header}, {}};
  case set_of(false, false, false, true):
    return FragmentMatches{{}, {offset_0, more, no_header}};
  case set_of(false, true, true, false):
    return FragmentMatches{{more}, {}};
  case set_of(false, false, true, true):
    return FragmentMatches{{}, {offset_0, no_header}};
  case set_of(true, true, true, false):
    return FragmentMatches{{offset_0, more, no_header}, {}};
  case set_of(true, true, false, true):
    return FragmentMatches{{offset_0, no_more, no_header}, {}};
  case set_of(true, false, true, true):
    return FragmentMatches{{}, {opening}};
  case set_of(false, true, true, true):
    return FragmentMatches{{}, {atomic, no_header}};
  default:
    return std::nullopt; // whole or middle, first or last: each would need "and not"
  }
}

bool always_holds(const BitTests& fragment, Family family, bool transport) {
  bool every = true;
  for_each_state(family, transport, [&](Position position, bool dont_fragment_set) {
    every = every && holds_at(fragment, position, dont_fragment_set);
  });
  return every;
}

bool never_holds(const BitTests& fragment, Family family, bool transport) {
  bool none = true;
  for_each_state(family, transport, [&](Position position, bool dont_fragment_set) {
    none = none && !holds_at(fragment, position, dont_fragment_set);
  });
  return none;
}

} // namespace flowspec
