// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/decided.hpp"

#include <algorithm>
#include <cstring>

namespace flowspec {

namespace {

constexpr std::size_t most_to_scan = 512;
constexpr std::size_t most_to_look_at = 4096;
constexpr std::size_t most_to_cut = 256;
constexpr std::size_t most_pieces = 64;

} // namespace

std::size_t Decided::Hash::operator()(const Addresses& addresses) const {
  std::uint64_t hash = addresses.destination.length * 131U + addresses.source.length;
  for (const Prefix* prefix : {&addresses.destination, &addresses.source})
    for (std::size_t half = 0; half < 2; ++half) {
      std::uint64_t word = 0;
      std::memcpy(&word, prefix->address.bytes.data() + half * sizeof word, sizeof word);
      hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
      hash ^= hash >> 29;
    }
  return hash;
}

void Decided::add(const Box& box, std::size_t by) {
  known_.emplace(Addresses{box.destination, box.source}, Known{&box, by});
  lengths_.emplace(box.destination.length, box.source.length);
}

std::vector<Decided::Known> Decided::overlapping(const Box& box) const {
  std::vector<Known> result;
  std::size_t looked_at = 0;
  const auto add = [&](auto first, auto last) {
    for (; first != last && looked_at < most_to_look_at; ++first, ++looked_at)
      if (!disjoint(*first->second.box, box))
        result.push_back(first->second);
  };
  if (known_.size() <= most_to_scan) {
    add(known_.begin(), known_.end());
    return result;
  }
  for (const auto& [destination, source] : lengths_) {
    if (destination > box.destination.length || source > box.source.length)
      continue;
    const auto [first, last] = known_.equal_range(
        {Prefix::masked(box.destination.address, destination), Prefix::masked(box.source.address, source)});
    add(first, last);
  }
  return result;
}

std::optional<Decided::Cover> Decided::cover(const Box& box) const {
  std::vector<Known> candidates = overlapping(box);
  // The first that was added is the one to name, and the pieces left come out the same in every run.
  std::ranges::sort(candidates, {}, &Known::by);
  for (const Known& known : candidates)
    if (covers(*known.box, box))
      return Cover{known.by};
  if (candidates.size() > most_to_cut)
    candidates.resize(most_to_cut);
  std::vector<Box> left{box};
  for (const Known& known : candidates) {
    std::vector<Box> next;
    for (const Box& piece : left)
      for (Box& rest : difference(piece, *known.box))
        next.push_back(std::move(rest));
    left = std::move(next);
    if (left.empty())
      return Cover{};
    if (left.size() > most_pieces)
      break;
  }
  return std::nullopt;
}

} // namespace flowspec
