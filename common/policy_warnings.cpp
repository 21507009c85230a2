// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy_logic.hpp"
#include "common/policy_words.hpp"

#include <fmt/format.h>

namespace flowspec {

namespace {

/// How much comparing may cost, in conditions and prefixes: some seconds. Terms that are left over then are
/// not warned of.
constexpr std::size_t most_comparisons = 1'000'000;

class Warnings {
 public:
  explicit Warnings(const Policy& policy) : policy_(policy) {}

  std::vector<std::string> find() {
    for (std::size_t index = 0; index < policy_.terms.size(); ++index)
      check_term(index);
    for (std::size_t index = 0; index < policy_.protect.size(); ++index)
      check_protection(index);
    for (const std::string& list : policy_.unused_lists)
      warnings_.push_back(fmt::format("prefix list {} is not used", list));
    return std::move(warnings_);
  }

 private:
  void check_term(std::size_t index) {
    const Term& term = policy_.terms[index];
    if (const auto why = contradiction(term.match)) {
      warnings_.push_back(fmt::format("term {} can never match: {}", term.name, *why));
      return;
    }
    const std::size_t size = 1 + prefixes_in(term.match);
    Parts changed; // since the term before was asked
    for (std::size_t before = index; before > 0; --before) {
      const Term& other = policy_.terms[before - 1];
      if (other.then == Term::Then::change) {
        changed |= changed_by(other.change);
        continue;
      }
      if (!afford(size + prefixes_in(other.match)))
        return;
      // What the other asked of a route may be true of it only now, when it was changed in between.
      if ((asked_of(other.match) & changed).any() || !implies(term.match, other.match))
        continue;
      warnings_.push_back(fmt::format("term {} can never match: term {}, before it, {}s every such route",
                                      term.name, other.name,
                                      other.then == Term::Then::accept ? "accept" : "reject"));
      return;
    }
  }

  void check_protection(std::size_t index) {
    const Protection& protection = policy_.protect[index];
    for (std::size_t other = 0; other < policy_.protect.size(); ++other) {
      if (!afford(1))
        return;
      // Of two that are the same the first one counts.
      if (other == index || !covers(policy_.protect[other], protection) ||
          (other > index && covers(protection, policy_.protect[other])))
        continue;
      warnings_.push_back(fmt::format("the protection of {} has no effect: that of {} is as strict",
                                      words(protection), words(policy_.protect[other])));
      return;
    }
  }

  /// Every packet of `inner`'s is one of `outer`'s, and every entry that `inner` keeps off is kept off.
  static bool covers(const Protection& outer, const Protection& inner) {
    const bool as_strict = !outer.rate_below || (inner.rate_below && *outer.rate_below >= *inner.rate_below);
    return as_strict && outer.family() == inner.family() && covers(outer.destination, inner.destination) &&
           covers(outer.source, inner.source);
  }
  static bool covers(const std::optional<Prefix>& outer, const std::optional<Prefix>& inner) {
    return !outer || outer->length == 0 || (inner && outer->contains(*inner));
  }

  bool afford(std::size_t cost) {
    comparisons_ += cost;
    return comparisons_ <= most_comparisons;
  }

  const Policy& policy_;
  std::size_t comparisons_ = 0;
  std::vector<std::string> warnings_;
};

} // namespace

std::vector<std::string> policy_warnings(const Policy& policy) {
  return Warnings(policy).find();
}

} // namespace flowspec
