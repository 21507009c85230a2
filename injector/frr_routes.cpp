// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_routes.hpp"

#include "common/error.hpp"
#include "common/precedence.hpp"
#include "common/side_by_side.hpp"
#include "injector/frr_actions.hpp"
#include "injector/frr_text.hpp"
#include "injector/frr_values.hpp"
#include "injector/match_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

/// Of two entries for the same match, the one that is taken: one that discards; else one that asks for more
/// than a rate, since what it asks for must not be left out; else the lower rate. Then the one that is looked
/// at earlier, by its sequence number or by the bytes that it was announced with, so that the outcome does
/// not depend on FRR's order; their route targets are joined() in any case.
const Entry& stricter(const Entry& a, const Entry& b) {
  const auto key = [](const Entry& entry) {
    const Actions& actions = entry.actions;
    Actions only_rate;
    only_rate.rate = actions.rate;
    return std::tuple(!actions.discards(), actions == only_rate, actions.rate.value_or(HUGE_VAL),
                      !entry.sequence.has_value(), entry.sequence.value_or(0), to_string(actions));
  };
  const auto key_a = key(a);
  const auto key_b = key(b);
  if (key_a != key_b)
    return key_b < key_a ? b : a;
  return rfc_precedence(b, a) < 0 ? b : a;
}

void add_missing(TextList& to, const TextList& more) {
  std::vector<std::string_view> texts(to.begin(), to.end());
  for (const std::string_view text : more)
    if (std::find(texts.begin(), texts.end(), text) == texts.end())
      texts.push_back(text);
  if (texts.size() == to.size() && std::is_sorted(texts.begin(), texts.end()))
    return;
  std::sort(texts.begin(), texts.end()); // whatever the order of the paths
  TextList sorted;
  for (const std::string_view text : texts)
    sorted.push_back(text);
  to = std::move(sorted);
}

/// `entry` with what `other`, for the same match, asks for as well.
Entry joined(Entry entry, const Entry& other) {
  add_missing(entry.route_targets, other.route_targets);
  add_missing(entry.communities, other.communities);
  return entry;
}

/// What the paths of one match ask for together, but for the entry itself.
struct Merged {
  bool told = false;               ///< there is an entry: the strictest that can be told
  std::optional<Rejected> refused; ///< of a path whose actions cannot be told
  bool conflict = false;           ///< several, and not the same
  std::size_t routes = 0;
  std::size_t paths = 0;

  void add(Entry& entry, Entry next) {
    if (!told) {
      entry = std::move(next);
      told = true;
      return;
    }
    // One match is one entry, for all who are meant by any of its paths: who is meant by the milder one alone
    // must not lose it, and there is no second entry for them.
    conflict = conflict || entry.actions != next.actions || entry.sequence != next.sequence;
    const bool take_next = !ask_the_same(entry, next) && &stricter(entry, next) == &next;
    entry = take_next ? joined(std::move(next), entry) : joined(std::move(entry), next);
  }
  /// `other_entry` is of the same match; it is left without a meaning.
  void add(Entry& entry, const Merged& other, Entry& other_entry) {
    if (other.told)
      add(entry, std::move(other_entry));
    conflict = conflict || other.conflict;
    if (other.refused)
      refused = other.refused;
    routes += other.routes;
    paths += other.paths;
  }
  /// A path that cannot be told could ask for anything, but for nothing stricter than to discard.
  bool usable(const Entry& entry) const { return told && (!refused || entry.actions.discards()); }
  static Merged plain() { return {true, {}, false, 1, 1}; }
  bool is_plain() const { return told && !refused && routes == 1 && paths == 1; }
};

/// The entries of an answer, one for each match, in FRR's order.
class RouteCollector {
 public:
  RouteCollector(Family family, const ReadingOptions& options, std::size_t expected)
      : family_(family), options_(options), matches_(expected) {
    result_.entries.reserve(expected);
  }

  void add(const ShownRoute& route) {
    ++result_.routes.of(family_);
    result_.paths += route.paths.size();
    std::variant<ComponentsRead, Rejected> read =
        read_components(route.paths.front(), family_, options_.operator_table);
    if (auto* rejected = std::get_if<Rejected>(&read)) {
      result_.rejected.push_back(std::move(*rejected));
      return;
    }
    Entry& entry = result_.entries.emplace_back();
    auto& components = std::get<ComponentsRead>(read);
    entry.match = std::move(components.match);
    entry.announced = std::move(components.announced);
    Merged merged = read_paths(route, entry);
    settle(std::move(merged), matches_.find_or_add(result_.entries));
  }

  /// What was collected of the routes behind these.
  void append(RouteCollector behind) {
    auto merged = behind.merged_.begin();
    for (std::size_t place = 0; place < behind.result_.entries.size(); ++place) {
      result_.entries.push_back(std::move(behind.result_.entries[place]));
      const bool plain = merged == behind.merged_.end() || merged->first != place;
      settle(plain ? Merged::plain() : std::move((merged++)->second),
             matches_.find_or_add(result_.entries, behind.matches_.hash(place)));
    }
    behind.result_.entries.clear();
    result_.append(std::move(behind.result_));
  }

  RoutesRead finish() {
    std::vector<std::size_t> unusable;
    for (auto& [at, merged] : merged_) {
      conclude(merged, result_.entries[at]);
      if (!merged.usable(result_.entries[at])) {
        result_.rejected.push_back(std::move(*merged.refused));
        unusable.push_back(at);
      }
    }
    if (unusable.empty())
      return std::move(result_);
    std::size_t index = 0;
    auto next = unusable.begin();
    std::erase_if(result_.entries, [&](const Entry&) {
      const bool out = next != unusable.end() && *next == index++;
      if (out)
        ++next;
      return out;
    });
    return std::move(result_);
  }

 private:
  /// The last of the entries belongs to the one at this place, which may be itself.
  void settle(Merged merged, std::size_t at) {
    if (at + 1 < result_.entries.size()) {
      Entry again = std::move(result_.entries.back());
      result_.entries.pop_back();
      Merged& before = merged_.try_emplace(at, Merged::plain()).first->second;
      before.add(result_.entries[at], merged, again);
    } else if (!merged.is_plain()) {
      merged_.emplace(at, std::move(merged));
    }
  }

  /// The actions of all paths of one route, into `entry`, whose match is known. Remarks on single paths go to
  /// the result.
  Merged read_paths(const ShownRoute& route, Entry& entry) {
    Merged merged;
    merged.routes = 1;
    merged.paths = route.paths.size();
    for (const ShownPath& path : route.paths) {
      std::variant<Asked, Rejected> read = read_actions(
          path.ecomlist.value_or(""), path.ecom6list.value_or(""), options_.carrier, options_.communities);
      if (auto* rejected = std::get_if<Rejected>(&read)) {
        rejected->subject = to_string(entry.match);
        merged.refused = std::move(*rejected);
        continue;
      }
      auto& asked = std::get<Asked>(read);
      for (Rejected& remark : asked.remarks) {
        remark.subject = to_string(entry.match);
        result_.remarks.push_back(std::move(remark));
      }
      if (!merged.told) {
        merged.told = true;
        put(std::move(asked), path, entry);
      } else {
        Entry next;
        next.match = entry.match;
        next.announced = entry.announced;
        put(std::move(asked), path, next);
        merged.add(entry, std::move(next));
      }
    }
    return merged;
  }
  static void put(Asked asked, const ShownPath& path, Entry& entry) {
    entry.actions = std::move(asked.actions);
    entry.sequence = asked.sequence;
    entry.route_targets = std::move(asked.route_targets);
    entry.communities = std::move(asked.communities);
    entry.age = path.age;
  }

  /// What is to be said of an entry that is used.
  void conclude(const Merged& merged, const Entry& entry) {
    if (!merged.usable(entry))
      return;
    const bool conflict = merged.conflict || merged.refused;
    if (merged.routes == 1 && !conflict)
      return;
    const std::string taken = fmt::format("{} is taken", to_string(entry.actions));
    if (merged.routes > 1)
      result_.remarks.push_back(
          {to_string(entry.match), Reason::duplicate,
           fmt::format("FRR shows this match for {} routes{}", merged.routes,
                       conflict ? " with different actions: " + taken : " that ask for the same")});
    else
      result_.remarks.push_back({to_string(entry.match), Reason::conflicting_paths,
                                 fmt::format("{} paths with different actions: {}", merged.paths, taken)});
  }

  Family family_;
  const ReadingOptions& options_;
  RoutesRead result_;
  MatchIndex matches_;
  /// By the place of the entry, for those that are not of a single path: several paths, several routes that
  /// look alike (lost AND bits, duplicate components), or a path that cannot be told.
  std::map<std::size_t, Merged> merged_;
};

/// About how many routes there are, never more than fit into the text.
std::size_t expected_routes(std::string_view text) {
  constexpr std::size_t shortest = std::string_view(R"([{},{"time":"never"}])").size();
  std::size_t arrays = 0;
  for (std::size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1))
    ++arrays;
  return std::min(arrays, text.size() / shortest);
}

void collect(std::string_view text, RouteCollector& routes) {
  parse_flowspec_detail(text, [&routes](const ShownRoute& route) { routes.add(route); });
}

/// Where an array begins about the middle; the end of `text` when none is found. A line that begins with "["
/// behind one that ends with "]" begins a route of FRR's.
std::size_t half_of(std::string_view text) {
  const std::size_t end = text.find("]\n[", text.size() / 2);
  return end == std::string_view::npos ? text.size() : end + 1;
}

/// Two answers one behind the other are one answer, and the routes in it are theirs. Throws Error when either
/// half is no answer.
RoutesRead read_in_halves(std::string_view text, std::size_t half, Family family,
                          const ReadingOptions& options) {
  const std::string_view front = text.substr(0, half), back = text.substr(half);
  std::optional<RouteCollector> behind;
  RouteCollector routes(family, options, expected_routes(text));
  side_by_side([&] { collect(front, routes); },
               [&] { collect(back, behind.emplace(family, options, expected_routes(back))); });
  routes.append(std::move(*behind));
  return routes.finish();
}

} // namespace

bool ask_the_same(const Entry& a, const Entry& b) {
  return a.actions == b.actions && a.sequence == b.sequence && a.route_targets == b.route_targets &&
         a.communities == b.communities && a.announced == b.announced;
}

std::unordered_map<std::string, RouteText>
route_texts(std::string_view text, Family family, OperatorTable operators,
            const std::function<bool(const std::string& id)>& wanted) {
  std::unordered_map<std::string, RouteText> texts;
  if (!wanted)
    texts.reserve(expected_routes(text));
  parse_flowspec_detail(text, [&](const ShownRoute& route) {
    const std::variant<ComponentsRead, Rejected> read =
        read_components(route.paths.front(), family, operators);
    if (const auto* components = std::get_if<ComponentsRead>(&read)) {
      std::string id = stable_id(components->match);
      if (wanted && !wanted(id))
        return;
      RouteText& of_match = texts[std::move(id)];
      of_match.text.reserve(of_match.text.size() + route.text.size() + 1);
      of_match.text += route.text;
      of_match.text += '\n';
      of_match.paths += route.paths.size();
    }
  });
  return texts;
}

void RoutesRead::append(RoutesRead other) {
  routes.ipv4 += other.routes.ipv4;
  routes.ipv6 += other.routes.ipv6;
  paths += other.paths;
  if (entries.empty())
    entries = std::move(other.entries);
  else
    std::move(other.entries.begin(), other.entries.end(), std::back_inserter(entries));
  std::move(other.rejected.begin(), other.rejected.end(), std::back_inserter(rejected));
  std::move(other.remarks.begin(), other.remarks.end(), std::back_inserter(remarks));
}

RoutesRead read_frr_routes(std::string_view text, Family family, const ReadingOptions& options,
                           std::size_t halve_from) {
  if (const std::size_t half = text.size() < halve_from ? text.size() : half_of(text); half < text.size()) {
    try {
      return read_in_halves(text, half, family, options);
    } catch (const Error&) { // as a whole: the error has to say where, if it is not that the cut made it
    }
  }
  RouteCollector routes(family, options, expected_routes(text));
  collect(text, routes);
  return routes.finish();
}

} // namespace flowspec
