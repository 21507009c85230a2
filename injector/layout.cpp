// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/layout.hpp"

#include "injector/wanted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace flowspec {

namespace {

/// No segment is called so.
constexpr std::string_view rest_name = "ALL";

/// Of a chain's name that is a hash.
constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t digits = 13; ///< of 5 bits: 64 and one that is over

/// `bit_over` is 0 or 16.
std::string coded(std::uint64_t hash, std::uint64_t bit_over) {
  std::string text(digits, letters[bit_over | (hash >> 60)]);
  for (std::size_t digit = 1; digit < digits; ++digit)
    text[digit] = letters[hash >> (60 - 5 * digit) & 31];
  return text;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(name);
}

/// Every chain that jumps to one of ours, those of --parent first.
std::vector<std::string> parents_of(const CompileOptions& options) {
  std::vector<std::string> parents;
  for (const std::string& parent : options.parents)
    add_once(parents, parent);
  for (const Segment& segment : options.segments)
    for (const SegmentParent& parent : segment.parents)
      add_once(parents, parent.chain);
  return parents;
}

/// What packets of `parent` are sent to.
Dispatcher dispatcher_of(const std::string& parent, const CompileOptions& options) {
  Dispatcher dispatcher;
  for (std::size_t list = 0; list < options.segments.size(); ++list) {
    Way way{list, {}};
    for (const SegmentParent& of : options.segments[list].parents)
      if (of.chain == parent)
        way.passages.push_back({of.in_interface, of.out_interface});
    if (!way.passages.empty())
      dispatcher.ways.push_back(std::move(way));
  }
  dispatcher.rest =
      options.untargeted.where == Untargeted::Where::all &&
      std::find(options.parents.begin(), options.parents.end(), parent) != options.parents.end();
  return dispatcher;
}

} // namespace

std::string list_chain(std::size_t list, Walks walk, const CompileOptions& options) {
  if (options.segments.empty())
    return options.chain + (walk == Walks::filter ? "" : walk == Walks::mark ? "-MARK" : "-DSCP");
  return fmt::format("{}-{}{}", options.chain, list_name(list, options),
                     walk == Walks::filter ? ""
                     : walk == Walks::mark ? "-M"
                                           : "-D");
}

std::string_view list_name(std::size_t list, const CompileOptions& options) {
  return list == rest_list(options) ? rest_name : std::string_view(options.segments[list].name);
}

std::string region_chain(const std::string& list_chain, std::size_t floor) {
  return fmt::format("{}-P{}", list_chain, floor);
}

std::string tree_chain(const std::string& chain, std::uint64_t hash, Walks walk) {
  // The bit that is over keeps the two walks of table mangle apart.
  return chain + "-T" + coded(hash, walk == Walks::dscp ? 16U : 0U);
}

bool is_tree_chain(std::string_view name) {
  return name.size() > digits + 2 && name.substr(name.size() - digits - 2, 2) == "-T" &&
         name.substr(name.size() - digits).find_first_not_of(letters) == std::string_view::npos;
}

bool leads_in_tree(const Rule& rule) {
  const auto* jump = std::get_if<Jump>(&rule.target);
  if (jump == nullptr || !jump->go_to || !is_tree_chain(jump->chain))
    return false;
  Rule bare;
  (rule.destination ? bare.destination : bare.source) = rule.destination ? rule.destination : rule.source;
  bare.target = rule.target;
  return rule == bare;
}

std::string rate_chain(const std::string& chain, std::uint64_t hash) {
  return chain + "-R" + coded(hash, 0);
}

std::string gathering_chain(const std::string& list_chain, std::size_t dispatcher) {
  return list_chain + "-G" + (dispatcher == 1 ? std::string() : std::to_string(dispatcher));
}

std::vector<Dispatcher> dispatchers(const CompileOptions& options) {
  std::vector<Dispatcher> result;
  for (const std::string& parent : parents_of(options)) {
    Dispatcher next = dispatcher_of(parent, options);
    if (result.empty())
      next.chain = options.chain;
    else if (next.ways == result.front().ways && next.rest == result.front().rest) {
      result.front().parents.push_back(parent);
      continue;
    } else
      next.chain = fmt::format("{}-{}", options.chain, parent);
    next.parents.push_back(parent);
    result.push_back(std::move(next));
  }
  return result;
}

bool hands_back(const CompileOptions& options) {
  const bool rest = options.untargeted.where == Untargeted::Where::all;
  return may_share_packets(options.segments, rest ? options.parents : std::vector<std::string>());
}

std::string dispatch_comment(std::size_t list, const CompileOptions& options) {
  return list == rest_list(options) ? "flowspec no segment"
                                    : "flowspec segment " + options.segments[list].name;
}

std::vector<Hook> filter_hooks(const CompileOptions& options) {
  std::vector<Hook> hooks;
  for (const std::string& parent : parents_of(options))
    for (const Dispatcher& dispatcher : dispatchers(options))
      if (std::find(dispatcher.parents.begin(), dispatcher.parents.end(), parent) != dispatcher.parents.end())
        hooks.push_back({parent, dispatcher.chain});
  // As configured at another time: a parent's packets went to our first chain, or to the one named after it.
  std::vector<std::string> parents = parents_of(options);
  for (const char* former : {"INPUT", "FORWARD", "OUTPUT"})
    add_once(parents, former);
  std::vector<Hook> former;
  for (const bool first : {true, false})
    for (const std::string& parent : parents) {
      const std::string chain = first ? options.chain : fmt::format("{}-{}", options.chain, parent);
      if (std::find(hooks.begin(), hooks.end(), Hook{parent, chain}) == hooks.end())
        former.push_back({parent, chain, false});
    }
  hooks.insert(hooks.end(), former.begin(), former.end());
  return hooks;
}

} // namespace flowspec
