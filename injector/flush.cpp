// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/flush.hpp"

#include "common/printable.hpp"
#include "injector/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace flowspec {

namespace {

/// Chains that a line names before it only counts them.
constexpr std::size_t longest_list = 8;

/// A chain of ours that stays, and the chains with rules that refer to it.
struct KeptChain {
  std::string chain;
  std::vector<std::string> referring;
};

/// What became of one table.
struct Flushed {
  std::size_t rules = 0; ///< of our chains
  std::vector<std::string> chains;
  std::vector<std::string> jumps; ///< the chains that they stood in, once for each jump
  std::vector<KeptChain> kept;

  bool nothing() const { return rules == 0 && chains.empty() && jumps.empty(); }
};

std::vector<std::string> referring_to(const std::string& chain, const Ruleset& ruleset) {
  std::vector<std::string> names;
  for (const Chain& from : ruleset.chains)
    if (std::any_of(from.rules.begin(), from.rules.end(), [&](const Rule& rule) {
          const auto* jump = std::get_if<Jump>(&rule.target);
          return jump != nullptr && jump->chain == chain;
        }))
      names.push_back(from.name);
  return names;
}

Flushed flushed(const Changes& changes, const Ownership& ours) {
  Flushed result;
  for (const Edit& edit : changes.edits) {
    if (const auto* chain = std::get_if<DeleteChain>(&edit))
      result.chains.push_back(chain->chain);
    else if (const auto* rule = std::get_if<DeleteRule>(&edit); rule && ours.owns(rule->chain))
      ++result.rules;
    else if (rule)
      result.jumps.push_back(rule->chain);
  }
  for (const Chain& chain : changes.after.chains)
    if (ours.owns(chain.name))
      result.kept.push_back({chain.name, referring_to(chain.name, changes.after)});
  return result;
}

std::string names(const std::vector<std::string>& all) {
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), longest_list));
  const std::string text = fmt::format("{}", fmt::join(all.begin(), end, ", "));
  return all.size() > longest_list ? fmt::format("{} and {} more", text, all.size() - longest_list) : text;
}

std::string removed_text(const Flushed& flushed) {
  std::vector<std::string> parts;
  if (flushed.rules > 0)
    parts.push_back(counted(flushed.rules, "rule"));
  if (!flushed.chains.empty())
    parts.push_back(fmt::format("{} ({})", counted(flushed.chains.size(), "chain"), names(flushed.chains)));
  if (!flushed.jumps.empty())
    parts.push_back(
        fmt::format("the jump{} from {}", flushed.jumps.size() == 1 ? "" : "s", names(flushed.jumps)));
  const std::string last = parts.back();
  parts.pop_back();
  return parts.empty() ? last : fmt::format("{} and {}", fmt::join(parts, ", "), last);
}

} // namespace

std::vector<WantedTable> nothing_wanted(const CompileOptions& options) {
  std::vector<Hook> hooks = filter_hooks(options);
  for (Hook& hook : hooks)
    hook.wanted = false;
  std::vector<WantedTable> tables;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    tables.push_back({family, "filter", {}, hooks});
    tables.push_back(
        {family,
         "mangle",
         {},
         {{"PREROUTING", options.chain + "-MARK", false}, {"POSTROUTING", options.chain + "-DSCP", false}}});
  }
  return tables;
}

std::string flush_text(std::span<const Changes> changes, const Ownership& ours) {
  std::string text;
  const auto line = [&text](const std::string& words) { text += one_line(words) + "\n"; };
  for (const Changes& of : changes) {
    const Flushed what = flushed(of, ours);
    if (!what.nothing())
      line(fmt::format("{}: removed {}", title(of.after), removed_text(what)));
    for (const KeptChain& kept : what.kept)
      line(fmt::format("{}: chain {} stays, empty: rules of {} refer to it", title(of.after), kept.chain,
                       names(kept.referring)));
  }
  if (text.empty())
    line(fmt::format("nothing to remove: there are no rules of {}", ours.chain));
  return text;
}

nlohmann::ordered_json flush_json(std::span<const Changes> changes, const Ownership& ours) {
  using nlohmann::ordered_json;
  ordered_json tables = ordered_json::array();
  for (const Changes& of : changes) {
    const Flushed what = flushed(of, ours);
    ordered_json kept = ordered_json::array();
    for (const KeptChain& chain : what.kept)
      kept.push_back({{"chain", chain.chain}, {"referred_to_by", chain.referring}});
    tables.push_back({{"family", name(of.after.family)},
                      {"table", of.after.table},
                      {"rules", what.rules},
                      {"chains", what.chains},
                      {"jumps", what.jumps},
                      {"kept", std::move(kept)}});
  }
  return {{"tables", std::move(tables)}};
}

} // namespace flowspec
