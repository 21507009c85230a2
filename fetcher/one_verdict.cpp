// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/one_verdict.hpp"

#include <utility>

namespace flowspec {

namespace {

constexpr std::size_t most_pieces = 256;

} // namespace

void OneVerdict::hear(std::span<const Box> packets, std::optional<Verdict> verdict) {
  if (left_.size() > most_pieces)
    differ_ = true; // too many to follow: taken for "cannot be told"
  if (done())
    return;
  const std::vector<Box> decided(packets.begin(), packets.end()); // may be our own
  for (const Box& box : decided) {
    std::vector<Box> next;
    for (const Box& piece : left_) {
      if (!intersection(piece, box)) {
        next.push_back(piece);
        continue;
      }
      differ_ = differ_ || !verdict || (verdict_ && verdict_ != verdict);
      verdict_ = verdict;
      for (Box& rest : difference(piece, box))
        next.push_back(std::move(rest));
    }
    left_ = std::move(next);
  }
}

} // namespace flowspec
