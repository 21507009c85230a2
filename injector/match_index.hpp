// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which routes of an answer have the same match.
#pragma once

#include "common/entry.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowspec {

/// Finds equal matches among entries that are added one by one.
class MatchIndex {
 public:
  explicit MatchIndex(std::size_t expected) {
    hashes_.reserve(expected);
    slots_.resize(std::bit_ceil(2 * expected + 2));
  }

  /// Of the last of `entries`, all the others of which were added before: the place of the one with the same
  /// match, else its own.
  std::size_t find_or_add(const std::vector<Entry>& entries) {
    return find_or_add(entries, match_hash(entries.back().match));
  }
  /// The same, where the match_hash of the last one is known.
  std::size_t find_or_add(const std::vector<Entry>& entries, std::uint64_t hash) {
    if (2 * (hashes_.size() + 1) > slots_.size())
      grow();
    std::uint32_t* slot = first_slot(hash);
    for (; *slot != 0; slot = next_slot(slot))
      if (hashes_[*slot - 1] == hash && same(entries[*slot - 1].match, entries.back().match))
        return *slot - 1;
    hashes_.push_back(hash);
    *slot = static_cast<std::uint32_t>(hashes_.size());
    return hashes_.size() - 1;
  }

  /// The match_hash of the entry at this place.
  std::uint64_t hash(std::size_t place) const { return hashes_[place]; }

 private:
  /// The bytes decide, as they do for the precedence and the identity.
  static bool same(const Components& a, const Components& b) {
    return a == b || canonical_nlri(a) == canonical_nlri(b);
  }
  std::uint32_t* first_slot(std::uint64_t hash) { return &slots_[hash & (slots_.size() - 1)]; }
  std::uint32_t* next_slot(std::uint32_t* slot) { return slot == &slots_.back() ? slots_.data() : slot + 1; }
  void grow() {
    slots_.assign(2 * slots_.size(), 0);
    for (std::size_t index = 0; index < hashes_.size(); ++index) {
      std::uint32_t* slot = first_slot(hashes_[index]);
      while (*slot != 0)
        slot = next_slot(slot);
      *slot = static_cast<std::uint32_t>(index + 1);
    }
  }

  std::vector<std::uint64_t> hashes_; ///< of the entries
  std::vector<std::uint32_t> slots_;  ///< open addressing: the place of an entry plus one, or 0
};

} // namespace flowspec
