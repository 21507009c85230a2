// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/merge.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

using Numeric = std::optional<ValueSet> Box::*;
/// Those that are one component each whatever their values. (Ports and ICMP types are left with the protocol
/// that they belong to.)
constexpr std::array<Numeric, 6> numeric_conditions{&Box::destination_port, &Box::source_port,
                                                    &Box::icmp_type,        &Box::icmp_code,
                                                    &Box::packet_length,    &Box::dscp};

/// (Two rates are two allowances.)
bool about_same(const Piece& a, const Piece& b) {
  const bool limited = a.actions.rate && !a.actions.discards();
  return !limited && a.actions == b.actions && a.route_target == b.route_target &&
         a.packets.states == b.packets.states;
}

/// The prefix that holds exactly `a` and `b`, when they are its two halves.
std::optional<Prefix> halves_of(const Prefix& a, const Prefix& b) {
  if (a.length != b.length || a.length == 0)
    return std::nullopt;
  const Prefix parent = Prefix::masked(a.address, a.length - 1U);
  if (Prefix::masked(b.address, b.length - 1U) != parent || a == b)
    return std::nullopt;
  return parent;
}

/// `box` without one of its conditions, as a key: boxes of the same key differ in that one only.
struct WithoutCondition {
  Box box;
  explicit WithoutCondition(Box rest) : box(std::move(rest)) {}

  auto key() const {
    const auto numbers = [](const std::optional<ValueSet>& set) {
      std::vector<std::pair<std::uint32_t, std::uint32_t>> intervals;
      if (set)
        for (const auto& [first, last] : set->intervals())
          intervals.emplace_back(first, last);
      return std::pair{set.has_value(), std::move(intervals)};
    };
    std::vector<std::pair<bool, std::vector<std::pair<std::uint32_t, std::uint32_t>>>> sets;
    sets.push_back(numbers(box.protocol));
    for (const Numeric condition : numeric_conditions)
      sets.push_back(numbers(box.*condition));
    for (const ValueSet& ports : box.ports)
      sets.push_back(numbers(ports));
    return std::tuple{
        box.destination, box.source, std::move(sets), box.tcp_flags ? box.tcp_flags->to_string() : "",
        box.positions,   box.in.is,  box.in.is_not,   box.out.is,
        box.out.is_not};
  }
};

using Run = std::vector<Piece>;

/// Joins what differs in one numeric condition only. True when something was joined.
bool join_numbers(Run& run, Numeric condition) {
  std::map<decltype(std::declval<WithoutCondition>().key()), std::size_t> first;
  Run result;
  for (Piece& piece : run) {
    if (!(piece.packets.*condition)) {
      result.push_back(std::move(piece));
      continue;
    }
    WithoutCondition rest(piece.packets);
    rest.box.*condition = std::nullopt;
    const auto [place, fresh] = first.try_emplace(rest.key(), result.size());
    if (fresh) {
      result.push_back(std::move(piece));
      continue;
    }
    auto& values = result[place->second].packets.*condition;
    values = *values | *(piece.packets.*condition);
  }
  for (Piece& piece : result)
    if (auto& values = piece.packets.*condition; values && values->full())
      values.reset();
  const bool joined = result.size() != run.size();
  run = std::move(result);
  return joined;
}

/// Joins halves of a prefix. True when something was joined.
bool join_prefixes(Run& run, Prefix Box::*side) {
  bool joined = false;
  std::map<decltype(std::declval<WithoutCondition>().key()), std::size_t> present;
  std::vector<bool> gone(run.size(), false);
  for (std::size_t index = 0; index < run.size(); ++index) {
    Box& box = run[index].packets;
    while ((box.*side).length > 0) {
      // Its other half, if that is here.
      WithoutCondition other(box);
      const unsigned bit = (box.*side).length - 1U;
      (other.box.*side).address.bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> bit % 8);
      const auto found = present.find(other.key());
      if (found == present.end())
        break;
      const std::size_t earlier = found->second;
      box.*side = *halves_of(box.*side, other.box.*side);
      run[index].sequence = std::min(run[index].sequence, run[earlier].sequence);
      run[index].rule = std::min(run[index].rule, run[earlier].rule);
      run[index].origin = run[earlier].origin;
      gone[earlier] = true;
      present.erase(found);
      joined = true;
    }
    present.insert_or_assign(WithoutCondition(box).key(), index);
  }
  Run result;
  for (std::size_t index = 0; index < run.size(); ++index)
    if (!gone[index])
      result.push_back(std::move(run[index]));
  run = std::move(result);
  return joined;
}

/// Takes out what others of the run hold.
void drop_covered(Run& run) {
  constexpr std::size_t most_to_compare = 512; // each with each
  if (run.size() > most_to_compare)
    return;
  std::vector<bool> gone(run.size(), false);
  for (std::size_t inner = 0; inner < run.size(); ++inner)
    for (std::size_t outer = 0; outer < run.size() && !gone[inner]; ++outer)
      gone[inner] = outer != inner && !gone[outer] && covers(run[outer].packets, run[inner].packets);
  Run result;
  for (std::size_t index = 0; index < run.size(); ++index)
    if (!gone[index])
      result.push_back(std::move(run[index]));
  run = std::move(result);
}

void join(Run& run) {
  drop_covered(run);
  constexpr int most_passes = 32; // stopping early leaves more routes, and none wrong
  bool again = true;
  for (int pass = 0; again && pass < most_passes; ++pass) {
    again = false;
    for (const Numeric condition : numeric_conditions)
      again = join_numbers(run, condition) || again;
    for (const auto side : {&Box::destination, &Box::source})
      again = join_prefixes(run, side) || again;
  }
  std::ranges::stable_sort(run, {}, &Piece::sequence);
}

} // namespace

std::deque<Piece> merged(std::deque<Piece> pieces) {
  std::deque<Piece> result;
  for (auto next = pieces.begin(); next != pieces.end();) {
    const auto end =
        std::find_if(next + 1, pieces.end(), [&](const Piece& piece) { return !about_same(*next, piece); });
    Run run(std::make_move_iterator(next), std::make_move_iterator(end));
    join(run);
    std::ranges::move(run, std::back_inserter(result));
    next = end;
  }
  return result;
}

} // namespace flowspec
