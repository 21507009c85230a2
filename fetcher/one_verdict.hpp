// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "fetcher/chain_walk.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// Hears what would happen to some packets, and tells whether all of them would get the same verdict.
class OneVerdict : public WalkListener {
 public:
  explicit OneVerdict(const Box& packets) : left_{packets} {}

  void visit(const Visit&) override {}
  void decide(const Visit&, std::span<const Box> packets, Verdict verdict) override {
    hear(packets, verdict);
  }
  void limit(const Visit&, std::span<const Box> packets, const HashlimitMatch&) override {
    hear(packets, std::nullopt);
  }
  void leave_out(const Visit&, std::span<const Box> among, std::string, Gap) override {
    hear(among, std::nullopt);
  }
  void pass(const Visit&) override {}
  void skip(const Visit&, Reason, std::string) override {}
  bool can_name(const Box&) const override { return true; }
  bool done() const override { return differ_ || left_.empty(); }

  void come_to_the_end(Verdict policy) {
    if (!done())
      hear(left_, policy);
  }
  /// None when they differ, or cannot be told.
  std::optional<Verdict> verdict() const { return differ_ ? std::nullopt : verdict_; }

 private:
  void hear(std::span<const Box> packets, std::optional<Verdict> verdict);

  std::vector<Box> left_;
  std::optional<Verdict> verdict_;
  bool differ_ = false;
};

} // namespace flowspec
