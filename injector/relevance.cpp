// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/relevance.hpp"

#include "common/precedence.hpp"

#include <fmt/format.h>

#include <bitset>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace flowspec {

namespace {

using Protocols = std::bitset<domain::protocol + 1>;

Protocols protocols_of(const Components& match) {
  Protocols protocols;
  if (!match.protocol)
    return protocols.set();
  for (const Interval& interval : match.protocol->intervals())
    for (std::uint32_t number = interval.first; number <= interval.last; ++number)
      protocols.set(number);
  return protocols;
}

struct HashPrefix {
  std::size_t operator()(const Prefix& prefix) const {
    const auto& bytes = prefix.address.bytes;
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return std::hash<std::string_view>()(text) * 257 + prefix.length * 2U + (prefix.family() == Family::ipv6);
  }
};

/// Packets by destination and protocol. Prefixes without an offset.
class Packets {
 public:
  /// Some question will be about this destination; to be said before anything is added.
  void prepare(const Prefix& destination) { place(destination); }

  void add(const Prefix& destination, const Protocols& protocols) {
    place(destination).here |= protocols;
    each_around(destination, [&](Place& around) {
      around.below |= protocols;
      return false;
    });
  }

  /// Some packet to the prepared `destination` of one of `protocols` was added.
  bool any(const Prefix& destination, const Protocols& protocols) {
    if ((place(destination).below & protocols).any())
      return true;
    return each_around(destination, [&](const Place& around) { return (around.here & protocols).any(); });
  }

 private:
  struct Place {
    Protocols here;  ///< of exactly this prefix
    Protocols below; ///< of it and all within
  };

  Place& place(const Prefix& prefix) {
    lengths_.set(prefix.length);
    return places_[prefix];
  }

  /// Every place that contains `prefix`, itself too, until `see` says true.
  template <typename See>
  bool each_around(const Prefix& prefix, See see) {
    for (unsigned length = 0; length <= prefix.length; ++length)
      if (lengths_[length])
        if (const auto found = places_.find(Prefix::masked(prefix.address, length));
            found != places_.end() && see(found->second))
          return true;
    return false;
  }

  std::unordered_map<Prefix, Place, HashPrefix> places_;
  std::bitset<129> lengths_; ///< of the places
};

bool is_own(const Components& match, const PrefixSet& own) {
  return !match.destination || own.overlaps(*match.destination) ||
         (match.source && own.overlaps(*match.source));
}

/// Matches packets from this machine to others only, and lets them pass.
bool lets_out(const Entry& entry, const PrefixSet& own) {
  return !is_own(entry.match, own) && !entry.match.source && !entry.actions.discards() &&
         protocols_of(entry.match).any();
}

/// Does more to packets from this machine than to let them pass.
bool touches(const Entry& entry, const PrefixSet& own) {
  const Actions& actions = entry.actions;
  return (actions.rate || actions.dscp_mark || actions.redirect) &&
         (!entry.match.source || own.overlaps(*entry.match.source));
}

/// Where the entry's packets go, or may go.
Prefix destination_of(const Components& match) {
  return match.destination && match.destination->offset == 0 ? *match.destination : Prefix::any(match.family);
}

/// The families whose default policy touches packets: it stands behind all that lets some out.
std::set<Family> touched_by_default(const std::vector<Entry>& entries, const PrefixSet& own) {
  std::set<Family> families;
  for (const Entry& entry : entries)
    if (is_default_policy(entry.match) && touches(entry, own))
      families.insert(entry.match.family);
  return families;
}

/// Those of `entries` that let packets out, when one that stays and stands behind would touch these. By
/// stable_id; without those of the families `left_out`.
std::unordered_set<std::string> needed(const std::vector<Entry>& entries, const PrefixSet& own,
                                       const std::set<Family>& left_out) {
  Packets touched;
  std::vector<Entry> concerned;
  for (const Entry& entry : entries) {
    if (left_out.contains(entry.match.family))
      continue;
    const bool asks = lets_out(entry, own);
    if (asks)
      touched.prepare(*entry.match.destination);
    if (asks || (is_own(entry.match, own) && touches(entry, own)))
      concerned.push_back({entry.match, entry.actions, entry.sequence, {}, {}, {}, entry.announced});
  }
  sort_by_precedence(concerned);

  std::unordered_set<std::string> stay;
  for (auto entry = concerned.rbegin(); entry != concerned.rend(); ++entry) {
    const Prefix destination = destination_of(entry->match);
    const Protocols protocols = protocols_of(entry->match);
    if (lets_out(*entry, own)) {
      if (!touched.any(destination, protocols))
        continue;
      stay.insert(stable_id(entry->match));
    }
    if (touches(*entry, own))
      touched.add(destination, protocols);
  }
  return stay;
}

std::string why_not_local(const Components& match) {
  return match.source ? fmt::format("neither {} nor {} is this machine's own", to_string(*match.destination),
                                    to_string(*match.source))
                      : fmt::format("{} is not this machine's own", to_string(*match.destination));
}

PrefixSet with_shared_addresses(const PrefixSet& own) {
  std::vector<Prefix> prefixes(own.prefixes().begin(), own.prefixes().end());
  const auto shared = shared_addresses().prefixes();
  prefixes.insert(prefixes.end(), shared.begin(), shared.end());
  return PrefixSet(std::move(prefixes));
}

} // namespace

Relevant relevant(std::vector<Entry> entries, const PrefixSet& own) {
  const PrefixSet ours = with_shared_addresses(own);
  const std::set<Family> all_needed = touched_by_default(entries, ours);
  const std::unordered_set<std::string> some_needed = needed(entries, ours, all_needed);
  const auto stays = [&](const Entry& entry) {
    if (is_own(entry.match, ours))
      return true;
    return lets_out(entry, ours) &&
           (all_needed.contains(entry.match.family) || some_needed.contains(stable_id(entry.match)));
  };
  Relevant result;
  result.entries.reserve(entries.size());
  for (Entry& entry : entries)
    if (stays(entry))
      result.entries.push_back(std::move(entry));
    else
      result.aside.push_back({to_string(entry.match), Reason::not_local, why_not_local(entry.match)});
  return result;
}

} // namespace flowspec
