// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy_logic.hpp"

#include "common/policy_ranges.hpp"

#include <algorithm>

namespace flowspec {

namespace {

/// Every address of the family's that is in `inner` is in `outer`.
bool is_part_of(const PrefixSet& inner, const PrefixSet& outer, Family family) {
  return std::all_of(inner.prefixes().begin(), inner.prefixes().end(), [&](const Prefix& prefix) {
    return prefix.family() != family || outer.contains(prefix);
  });
}

bool is_part_of(const ValueSet& inner, const ValueSet& outer) {
  return (inner & outer) == inner;
}

bool has_one(const PrefixSet& set, Family family) {
  return set.overlaps(Prefix::any(family));
}

/// False when no route of `family` meets the conditions, as far as that is plain to see.
bool is_possible(const TermMatch& match, Family family) {
  const auto possible = [family](const std::optional<PrefixTest>& test) {
    return !test || ((!test->within || has_one(*test->within, family)) &&
                     (!test->overlapping || has_one(*test->overlapping, family)));
  };
  return match.family.value_or(family) == family && possible(match.destination) && possible(match.source);
}

/// What is known of one end of the routes of a family.
struct End {
  const std::optional<PrefixTest>& test;
  bool present;
  bool absent;
  Family family;

  const PrefixSet* within() const { return test && test->within ? &*test->within : nullptr; }

  bool surely_within(const PrefixSet& outer) const {
    // A prefix that is absent is every address. One with an offset is within nothing.
    return within() != nullptr ? is_part_of(*within(), outer, family)
                               : absent && outer.contains(Prefix::any(family));
  }
  bool surely_overlaps(const PrefixSet& outer) const {
    if (outer.contains(Prefix::any(family)) || (absent && has_one(outer, family)))
      return true;
    if (within() != nullptr && is_part_of(*within(), outer, family))
      return true;
    return test && test->overlapping && is_part_of(*test->overlapping, outer, family);
  }
  unsigned shortest() const {
    unsigned result = address_bits(family);
    if (within() == nullptr)
      result = 0;
    else
      for (const Prefix& prefix : within()->prefixes())
        if (prefix.family() == family)
          result = std::min<unsigned>(result, prefix.length);
    return test ? std::max(result, test->shortest.value_or(0)) : result;
  }
  unsigned longest() const {
    const unsigned bits = absent ? 0 : address_bits(family);
    return test ? std::min(bits, test->longest.value_or(bits)) : bits;
  }
  bool surely_present() const { return present || shortest() > 0; }

  bool implies(const std::optional<PrefixTest>& outer) const {
    return !outer || ((!outer->within || surely_within(*outer->within)) &&
                      (!outer->overlapping || surely_overlaps(*outer->overlapping)) &&
                      outer->shortest.value_or(0) <= shortest() &&
                      outer->longest.value_or(address_bits(family)) >= longest());
  }
};

/// What is known of a numeric component. One that is present may hold no value at all: it is within
/// everything and overlaps nothing.
struct Values {
  const std::optional<ValueTest>& test;
  bool absent;

  bool implies(const std::optional<ValueTest>& outer) const {
    return !outer || ((!outer->within || surely_within(*outer->within)) &&
                      (!outer->overlapping || surely_overlaps(*outer->overlapping)));
  }

 private:
  bool surely_within(const ValueSet& outer) const {
    return outer.full() || (test && test->within && is_part_of(*test->within, outer));
  }
  bool surely_overlaps(const ValueSet& outer) const {
    return (absent && !outer.empty()) || (test && test->overlapping && is_part_of(*test->overlapping, outer));
  }
};

bool surely_present(const std::optional<ValueTest>& test) {
  return test && test->within && !test->within->full();
}

bool components_imply(const TermMatch& inner, const TermMatch& outer, Family family) {
  const End destination{inner.destination, inner.present[1], inner.absent[1], family};
  const End source{inner.source, inner.present[2], inner.absent[2], family};
  std::bitset<14> present = inner.present;
  present[1] = destination.surely_present();
  present[2] = source.surely_present();
  present[3] = present[3] || surely_present(inner.protocol);
  present[4] = present[4] || surely_present(inner.port);
  present[5] = present[5] || surely_present(inner.destination_port);
  present[6] = present[6] || surely_present(inner.source_port);
  return (outer.present & ~present).none() && (outer.absent & ~inner.absent).none() &&
         destination.implies(outer.destination) && source.implies(outer.source) &&
         Values{inner.protocol, inner.absent[3]}.implies(outer.protocol) &&
         Values{inner.port, inner.absent[4]}.implies(outer.port) &&
         Values{inner.destination_port, inner.absent[5]}.implies(outer.destination_port) &&
         Values{inner.source_port, inner.absent[6]}.implies(outer.source_port);
}

/// Of the actions that say nothing of the rate.
bool actions_imply(const TermMatch& inner, const TermMatch& outer) {
  return std::all_of(outer.actions.begin(), outer.actions.end(), [&inner](ActionKind kind) {
    const bool of_rate =
        kind == ActionKind::accept || kind == ActionKind::discard || kind == ActionKind::rate;
    return of_rate || std::find(inner.actions.begin(), inner.actions.end(), kind) != inner.actions.end();
  });
}

/// One of `inner` is one of `outer`, whichever it is.
bool texts_imply(const std::vector<std::string>& inner, const std::vector<std::string>& outer) {
  return outer.empty() ||
         (!inner.empty() && std::all_of(inner.begin(), inner.end(), [&outer](const auto& text) {
           return std::find(outer.begin(), outer.end(), text) != outer.end();
         }));
}

std::size_t prefixes_in(const std::optional<PrefixTest>& test) {
  return !test ? 0
               : (test->within ? test->within->prefixes().size() : 0) +
                     (test->overlapping ? test->overlapping->prefixes().size() : 0);
}

} // namespace

bool implies(const TermMatch& inner, const TermMatch& outer) {
  if (!actions_imply(inner, outer) || !allowed_rates(inner).is_part_of(allowed_rates(outer)) ||
      !allowed_sequences(inner).is_part_of(allowed_sequences(outer)) ||
      !texts_imply(inner.route_targets, outer.route_targets) ||
      !texts_imply(inner.communities, outer.communities))
    return false;
  for (const Family family : {Family::ipv4, Family::ipv6})
    if (is_possible(inner, family) &&
        (outer.family.value_or(family) != family || !components_imply(inner, outer, family)))
      return false;
  return true;
}

std::size_t prefixes_in(const TermMatch& match) {
  return prefixes_in(match.destination) + prefixes_in(match.source);
}

Parts asked_of(const TermMatch& match) {
  Parts parts;
  parts[Part::rate] = match.rate_above || match.rate_below;
  parts[Part::sequence] = match.first_sequence || match.last_sequence || match.has_sequence;
  for (const ActionKind kind : match.actions)
    switch (kind) {
    case ActionKind::accept:
    case ActionKind::discard:
    case ActionKind::rate:
      parts.set(Part::rate);
      break;
    case ActionKind::sample:
      parts.set(Part::sample);
      break;
    case ActionKind::dscp:
      parts.set(Part::dscp);
      break;
    case ActionKind::redirect:
      parts.set(Part::redirect);
      break;
    case ActionKind::unknown:
      parts.set(Part::unknown);
      break;
    }
  return parts;
}

Parts changed_by(const TermChange& change) {
  Parts parts;
  parts[Part::rate] = change.rate || change.delete_rate;
  parts[Part::sample] = change.sample || change.delete_sample;
  parts[Part::dscp] = change.dscp || change.delete_dscp;
  parts[Part::redirect] = change.redirect || change.delete_redirect;
  parts[Part::unknown] = change.delete_unknown;
  parts[Part::sequence] = change.sequence || change.delete_sequence;
  return parts;
}

} // namespace flowspec
