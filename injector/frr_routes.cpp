// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_routes.hpp"

#include "injector/frr_actions.hpp"
#include "injector/frr_text.hpp"
#include "injector/frr_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

/// Lower is stricter; without a rate everything passes.
double strictness(const Actions& actions) {
  return actions.rate.value_or(HUGE_VAL);
}

/// True when the paths or routes ask for different things; their ages do not matter.
bool ask_the_same(const Entry& a, const Entry& b) {
  return a.actions == b.actions && a.sequence == b.sequence && a.route_targets == b.route_targets;
}

/// Of two entries for the same match, the one that is installed: the lower rate, then the one that is looked
/// at earlier, so that the outcome does not depend on FRR's order.
const Entry& stricter(const Entry& a, const Entry& b) {
  const auto key = [](const Entry& entry) {
    return std::tuple(strictness(entry.actions), !entry.sequence.has_value(), entry.sequence.value_or(0),
                      to_string(entry.actions), entry.route_targets);
  };
  return key(b) < key(a) ? b : a;
}

/// All paths of one route as one entry.
class RouteReader {
 public:
  RouteReader(const ReadingOptions& options, RoutesRead& into) : options_(options), into_(into) {}

  /// The entry, or none with the reason among the rejected.
  std::optional<Entry> read(const ShownRoute& route, Family family) {
    std::variant<Components, Rejected> components =
        read_components(route.paths.front(), family, options_.operator_table);
    if (auto* rejected = std::get_if<Rejected>(&components)) {
      into_.rejected.push_back(std::move(*rejected));
      return std::nullopt;
    }
    const auto& match = std::get<Components>(components);
    const std::string subject = to_string(match);

    std::optional<Entry> chosen;
    std::optional<Rejected> refused;
    bool conflict = false;
    for (const ShownPath& path : route.paths) {
      std::variant<Asked, Rejected> read =
          read_actions(path.ecomlist.value_or(""), path.ecom6list.value_or(""), options_.carrier);
      if (auto* rejected = std::get_if<Rejected>(&read)) {
        rejected->subject = subject;
        refused = std::move(*rejected);
        continue;
      }
      auto& asked = std::get<Asked>(read);
      for (Rejected& remark : asked.remarks) {
        remark.subject = subject;
        into_.remarks.push_back(std::move(remark));
      }
      Entry entry{match, std::move(asked.actions), asked.sequence, std::move(asked.route_targets), path.age};
      conflict = conflict || (chosen && !ask_the_same(*chosen, entry));
      chosen = chosen ? stricter(*chosen, entry) : std::move(entry);
    }
    // A path whose actions cannot be told could ask for anything, but for nothing stricter than to discard.
    if (refused && !(chosen && chosen->actions.discards())) {
      into_.rejected.push_back(std::move(*refused));
      return std::nullopt;
    }
    if (conflict || refused)
      into_.remarks.push_back({subject, Reason::conflicting_paths,
                               fmt::format("{} paths with different actions: {} is taken", route.paths.size(),
                                           to_string(chosen->actions))});
    return chosen;
  }

 private:
  const ReadingOptions& options_;
  RoutesRead& into_;
};

} // namespace

void RoutesRead::append(RoutesRead other) {
  routes += other.routes;
  paths += other.paths;
  std::move(other.entries.begin(), other.entries.end(), std::back_inserter(entries));
  std::move(other.rejected.begin(), other.rejected.end(), std::back_inserter(rejected));
  std::move(other.remarks.begin(), other.remarks.end(), std::back_inserter(remarks));
}

RoutesRead read_frr_routes(std::string_view text, Family family, const ReadingOptions& options) {
  RoutesRead result;
  RouteReader reader(options, result);
  // FRR shows different routes alike (lost AND bits, duplicate components), so that a match may come twice.
  std::unordered_map<std::string, std::size_t> known;
  for (const ShownRoute& route : parse_flowspec_detail(text)) {
    ++result.routes;
    result.paths += route.paths.size();
    std::optional<Entry> entry = reader.read(route, family);
    if (!entry)
      continue;
    const std::vector<std::uint8_t> nlri = canonical_nlri(entry->match);
    const auto [at, fresh] = known.try_emplace(std::string(nlri.begin(), nlri.end()), result.entries.size());
    if (fresh) {
      result.entries.push_back(std::move(*entry));
      continue;
    }
    Entry& first = result.entries[at->second];
    const bool same = ask_the_same(first, *entry);
    first = stricter(first, *entry);
    result.remarks.push_back(
        {to_string(first.match), Reason::duplicate,
         same ? std::string("FRR shows this match for two routes that ask for the same")
              : fmt::format("FRR shows this match for two routes with different actions: {} is taken",
                            to_string(first.actions))});
  }
  return result;
}

} // namespace flowspec
