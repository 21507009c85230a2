// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/decided.hpp"

#include <algorithm>
#include <cstring>

namespace flowspec {

namespace {

constexpr std::size_t most_to_scan = 512;
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
  known_[{box.destination, box.source}].push_back({box, by});
  ++lengths_[{box.destination.length, box.source.length}];
  ++size_;
}

std::vector<const Decided::Known*> Decided::overlapping(const Box& box) const {
  std::vector<const Known*> result;
  const auto add = [&](const std::vector<Known>& all) {
    for (const Known& known : all)
      if (!disjoint(known.box, box))
        result.push_back(&known);
  };
  if (size_ <= most_to_scan) {
    for (const auto& [addresses, all] : known_)
      add(all);
    return result;
  }
  for (const auto& [lengths, count] : lengths_) {
    if (lengths.first > box.destination.length || lengths.second > box.source.length)
      continue;
    const auto found = known_.find({Prefix::masked(box.destination.address, lengths.first),
                                    Prefix::masked(box.source.address, lengths.second)});
    if (found != known_.end())
      add(found->second);
  }
  return result;
}

std::optional<Decided::Cover> Decided::cover(const Box& box) const {
  std::vector<const Known*> candidates = overlapping(box);
  // The first that was added is the one to name, and the pieces left come out the same in every run.
  std::ranges::sort(candidates, {}, &Known::by);
  for (const Known* known : candidates)
    if (covers(known->box, box))
      return Cover{known->by};
  std::vector<Box> left{box};
  for (const Known* known : candidates) {
    std::vector<Box> next;
    for (const Box& piece : left)
      for (Box& rest : difference(piece, known->box))
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
