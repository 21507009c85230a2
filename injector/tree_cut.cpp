// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_cut.hpp"

#include <bit>
#include <cmath>
#include <iterator>
#include <utility>

namespace flowspec {

namespace {

constexpr std::size_t most_branches = 24; ///< of a cut

/// No branch has more entries than this: `leaf` times a power of 4. It is one scale for all parts, so that
/// those below a branch that gets too heavy are branches already, and stay as they are.
std::size_t most_of_a_branch(std::size_t entries, std::size_t leaf) {
  std::size_t most = std::max<std::size_t>(leaf, 1);
  while (most <= entries / 8)
    most *= 4;
  return most;
}

/// Where entries of just its prefix are at least this part of a branch, it is not taken apart by longer
/// prefixes: they would be wide.
constexpr std::size_t own_part = 32;
/// A branch of less than this part of what it may have is left to the next round, where it may be part of a
/// heavier one.
constexpr std::size_t light_part = 8;

/// How many bits two addresses share, at most `bits`.
unsigned shared_bits(const Prefix& a, const Prefix& b, unsigned bits) {
  for (unsigned byte = 0; byte * 8 < bits; ++byte)
    if (const auto other = static_cast<std::uint8_t>(a.address.bytes[byte] ^ b.address.bytes[byte]);
        other != 0)
      return std::min(bits, byte * 8 + static_cast<unsigned>(std::countl_zero(other)));
  return bits;
}

/// The first one in [first, last) for which `behind` is true; it is for all that follow.
template <class Behind>
std::size_t first_of(std::size_t first, std::size_t last, Behind behind) {
  while (first < last) {
    const std::size_t middle = first + (last - first) / 2;
    if (behind(middle))
      last = middle;
    else
      first = middle + 1;
  }
  return first;
}

/// Finds branches in the trie of the prefixes of `places`, which are sorted by them.
class Descent {
 public:
  Descent(const TreeOrders& orders, PlaceSpan places, Dimension dimension, std::size_t most)
      : orders_(orders), places_(places), dimension_(dimension), most_(most) {}

  std::vector<TreeBranch> branches;
  std::vector<PlaceSpan> wide;

  /// Those in [first, last) agree in the first `length` bits, and no others of the part do.
  void descend(std::size_t first, std::size_t last, unsigned length) {
    if (first == last)
      return;
    const unsigned agreed = shared_bits(prefix(first), prefix(last - 1), prefix(first).length);
    const std::size_t longer =
        first_of(first, last, [&](std::size_t at) { return prefix(at).length > agreed; });
    const bool light = last - first <= most_ || (longer - first) * own_part >= last - first;
    if (light && last - first < places_.size()) {
      add_branch(first, last, std::max(length, agreed / 4 * 4)); // not renamed with each entry
      return;
    }
    const std::size_t before = branches.size();
    const std::size_t ones =
        first_of(longer, last, [&](std::size_t at) { return prefix(at).address.bit(agreed); });
    descend(longer, ones, agreed + 1);
    descend(ones, last, agreed + 1);
    if (branches.size() > before && longer > first)
      wide.push_back(places_.subspan(first, longer - first));
  }

 private:
  const Prefix& prefix(std::size_t at) const { return prefix_of(orders_[places_[at]], dimension_); }

  void add_branch(std::size_t first, std::size_t last, unsigned length) {
    const PlaceSpan narrow = places_.subspan(first, last - first);
    if (narrow.size() * light_part > most_ && worth_a_chain(narrow))
      branches.push_back({dimension_, Prefix::masked(prefix(first).address, length), narrow, 0});
  }

  bool worth_a_chain(PlaceSpan narrow) const {
    std::size_t rules = 0;
    for (std::size_t at = 0; at < narrow.size() && rules <= no_chain_for; ++at)
      rules += orders_[narrow[at]].rules;
    return rules > no_chain_for;
  }

  const TreeOrders& orders_;
  PlaceSpan places_;
  Dimension dimension_;
  std::size_t most_;
};

} // namespace

bool TreeRegion::overlaps(const TreeEntry& entry) const {
  return std::all_of(every_dimension.begin(), every_dimension.end(), [&](Dimension dimension) {
    const Prefix& own = prefix(dimension);
    const Prefix& other = prefix_of(entry, dimension);
    return own.length < other.length ? own.contains(other) : other.contains(own);
  });
}

double expected_walk(double rules) {
  constexpr double straight = 8;
  return rules <= straight ? rules : straight + 2.5 * std::log2(rules / straight);
}

double Cutter::walk_of(const Round& round, std::size_t entries, const TreeRegion& region) const {
  double met = 0;
  double narrow = 0;
  double sum = 0;
  for (const TreeBranch& branch : round.branches) {
    const auto count = static_cast<double>(branch.narrow.size());
    narrow += count;
    sum += count * (++met + step_cost + expected_walk(count));
  }
  double separable = 0; // of the wide ones, in one dimension or the other
  double inseparable = 0;
  for (const PlaceSpan span : round.wide)
    for (const std::uint32_t place : span) {
      const TreeEntry& entry = orders_[place];
      const bool all = entry.destination.length == region.destination.length &&
                       entry.source.length == region.source.length;
      (all ? inseparable : separable) += 1;
    }
  const double wide = separable + inseparable;
  const double outside = static_cast<double>(entries) - narrow - wide;
  sum += outside * (met + expected_walk(outside));
  return sum / (narrow + outside) + (wide > 0 ? step_cost : 0) + expected_walk(separable) + inseparable;
}

Cutter::Round Cutter::round_in(Dimension dimension, const Sorted& left, const TreeRegion& region,
                               std::size_t most) const {
  const PlaceSpan places = left[static_cast<std::size_t>(dimension)];
  Descent descent(orders_, places, dimension, most_of_a_branch(places.size(), leaf_));
  descent.descend(0, places.size(), region.prefix(dimension).length);
  Round round{std::move(descent.branches), std::move(descent.wide), 0};
  // The heaviest first; about as heavy ones by address, or each entry might make them change places. The
  // steps are not at powers of two: as many entries as that has a network of which every address is there.
  const auto weight = [](const TreeBranch& branch) { return std::bit_width(3 * branch.narrow.size()); };
  std::stable_sort(round.branches.begin(), round.branches.end(),
                   [&](const TreeBranch& a, const TreeBranch& b) { return weight(a) > weight(b); });
  round.branches.resize(std::min(round.branches.size(), most));
  if (!round.branches.empty())
    round.walk = walk_of(round, places.size(), region);
  return round;
}

Cutter::Round Cutter::best_round(const Sorted& left, const TreeRegion& region, std::size_t most,
                                 std::optional<Dimension> but) const {
  Round best;
  for (const Dimension dimension : every_dimension) {
    if (but == dimension)
      continue;
    Round round = round_in(dimension, left, region, most);
    if (!round.branches.empty() && (best.branches.empty() || round.walk < clearly * best.walk))
      best = std::move(round);
  }
  return best;
}

/// How many.
std::size_t Cutter::take(const Round& round) {
  std::size_t count = 0;
  const auto take_all = [&](PlaceSpan places) {
    for (const std::uint32_t place : places)
      taken_[place] = true;
    count += places.size();
  };
  for (const TreeBranch& branch : round.branches)
    take_all(branch.narrow);
  for (const PlaceSpan wide : round.wide)
    take_all(wide);
  return count;
}

Cutter::Sorted Cutter::untaken(const Sorted& left, Cut& cut) const {
  Sorted result;
  for (std::size_t which = 0; which < left.size(); ++which) {
    Places& places = cut.kept.emplace_back();
    std::copy_if(left[which].begin(), left[which].end(), std::back_inserter(places),
                 [&](std::uint32_t place) { return !taken_[place]; });
    result[which] = places;
  }
  return result;
}

std::optional<Cut> Cutter::cut_of(const Part& part, const TreeRegion& region, std::optional<Dimension> but) {
  Sorted left{orders_.sorted(part, Dimension::destination), orders_.sorted(part, Dimension::source)};
  Round round = best_round(left, region, most_branches, but);
  if (round.branches.empty())
    return std::nullopt;
  Cut cut;
  cut.walk = round.walk;
  std::size_t outside = part.size();
  for (std::size_t number = 0; !round.branches.empty(); ++number) {
    outside -= take(round);
    for (TreeBranch& branch : round.branches) {
      branch.round = number;
      cut.branches.push_back(branch);
    }
    std::move(round.wide.begin(), round.wide.end(), std::back_inserter(cut.wide));
    if (outside <= leaf_ || cut.branches.size() == most_branches)
      break;
    left = untaken(left, cut);
    round = best_round(left, region, most_branches - cut.branches.size(), std::nullopt);
  }
  for (const std::uint32_t place : orders_.of(part))
    taken_[place] = false;
  return cut;
}

} // namespace flowspec
