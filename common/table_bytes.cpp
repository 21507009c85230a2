// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/table_bytes.hpp"

#include "common/error.hpp"
#include "common/table_words.hpp"
#include "common/xtables_bytes.hpp"
#include "common/xtables_codec.hpp"
#include "common/xtables_families.hpp"

#include <fmt/format.h>
#include <linux/netfilter.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace flowspec {

namespace {

using xtables::load;

constexpr std::array<std::string_view, NF_INET_NUMHOOKS> hook_chains{"PREROUTING", "INPUT", "FORWARD",
                                                                     "OUTPUT", "POSTROUTING"};

/// The entries [first, last) are its rules; the one at `last` ends it.
struct Stretch {
  std::string_view name;
  bool built_in = false;
  std::size_t first = 0;
  std::size_t last = 0;
};

template <class Ip>
class Reader {
 public:
  explicit Reader(const TableBytes& table) : table_(table) { find_chains(); }

  /// Calls `begin(stretch)` for each chain, and then `rule(offset)` for each of its rules.
  template <class Begin, class Visit>
  void each(Begin begin, Visit rule) const {
    for (const std::size_t number : in_order()) {
      const Stretch& chain = chains_[number];
      begin(chain);
      for (std::size_t at = chain.first; at != chain.last; at += head(at).next_offset)
        rule(at);
    }
  }

  void decode_to(std::size_t at, std::string& packed) const {
    const Target target = target_of(at);
    decode_packed(bytes(at), Ip::family, target.name.c_str(), target.is_chain, packed);
  }

  /// Requires a built-in chain. The kernel knows no third.
  Verdict policy(const Stretch& chain) const {
    return standard_verdict(chain.last) == -NF_DROP - 1 ? Verdict::drop : Verdict::accept;
  }

  Counters counters(std::size_t at) const {
    const auto entry = head(at);
    return {entry.counters.pcnt, entry.counters.bcnt};
  }

 private:
  using Entry = typename Ip::Entry;

  struct Target {
    std::string name; ///< as decode() takes it
    bool is_chain = false;
  };

  [[noreturn]] void fail(std::size_t at, std::string_view why) const {
    throw Error(fmt::format("read {}: what the kernel gave is no table: {} at byte {} of {}",
                            table_title(table_.family, table_.table), why, at, table_.entries.size()));
  }

  Entry head(std::size_t at) const { return load<Entry>(table_.entries.subspan(at)); }
  std::span<const std::byte> bytes(std::size_t at) const {
    return table_.entries.subspan(at, head(at).next_offset);
  }
  std::span<const std::byte> target_bytes(std::size_t at) const {
    return bytes(at).subspan(head(at).target_offset);
  }
  /// It stands in the table's own bytes.
  std::string_view target_name(std::size_t at) const {
    const auto* target = reinterpret_cast<const char*>(target_bytes(at).data());
    const char* name = target + offsetof(xt_entry_target, u.user.name);
    return {name, strnlen(name, sizeof(xt_entry_target::u.user.name))};
  }

  bool is_hook(std::size_t at, std::size_t hook) const {
    return (table_.hooks >> hook & 1U) != 0 && table_.first[hook] == at;
  }

  /// Where the entry at `at` ends, which is whole.
  std::size_t end_of(std::size_t at) const {
    const std::size_t left = table_.entries.size() - at;
    if (left < sizeof(Entry))
      fail(at, "an entry that is cut off");
    const Entry entry = head(at);
    if (entry.target_offset < sizeof(Entry) || entry.next_offset > left ||
        entry.target_offset + sizeof(xt_entry_target) > entry.next_offset)
      fail(at, "an entry that does not hold its target");
    return at + entry.next_offset;
  }

  void find_chains() {
    const std::size_t size = table_.entries.size();
    constexpr std::size_t none = ~std::size_t{0};
    std::size_t before = none; // the last entry of the chain that is being read
    const auto close = [&](std::size_t at) {
      if (chains_.empty())
        return;
      if (before == none)
        fail(at, "a chain without an end");
      chains_.back().last = std::exchange(before, none);
    };
    for (std::size_t at = 0, end = 0; at != size; at = end) {
      end = end_of(at);
      if (end == size) { // belongs to no chain
        close(at);
        return;
      }
      if (target_name(at) == XT_ERROR_TARGET) {
        close(at);
        chains_.push_back({chain_name(at), false, end, end});
        continue;
      }
      for (std::size_t hook = 0; hook < hook_chains.size(); ++hook)
        if (is_hook(at, hook)) {
          close(at);
          chains_.push_back({hook_chains[hook], true, at, at});
        }
      if (chains_.empty())
        fail(at, "a rule of no chain");
      before = at;
    }
    fail(size, "no end");
  }

  std::string_view chain_name(std::size_t at) const {
    const std::span<const std::byte> target = target_bytes(at);
    if (target.size() < sizeof(xt_error_target))
      fail(at, "a chain without a name");
    const char* name = reinterpret_cast<const char*>(target.data()) + offsetof(xt_error_target, errorname);
    return {name, strnlen(name, sizeof(xt_error_target::errorname))};
  }

  /// Built-in ones as they stand, then the others by name.
  std::vector<std::size_t> in_order() const {
    std::vector<std::size_t> order(chains_.size());
    for (std::size_t number = 0; number < order.size(); ++number)
      order[number] = number;
    std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      if (chains_[a].built_in || chains_[b].built_in)
        return chains_[a].built_in && !chains_[b].built_in;
      return chains_[a].name < chains_[b].name;
    });
    return order;
  }

  /// Below 0 a verdict; else where packets go on. None: the target is an extension.
  std::optional<int> standard_verdict(std::size_t at) const {
    const std::span<const std::byte> target = target_bytes(at);
    if (!target_name(at).empty() || target.size() < sizeof(xt_standard_target))
      return std::nullopt;
    return load<int>(target.subspan(offsetof(xt_standard_target, verdict)));
  }

  Target target_of(std::size_t at) const {
    const std::optional<int> verdict = standard_verdict(at);
    if (!verdict)
      return {std::string(target_name(at)), false};
    switch (*verdict) {
    case -NF_ACCEPT - 1:
      return {std::string(name(Verdict::accept)), false};
    case -NF_DROP - 1:
      return {std::string(name(Verdict::drop)), false};
    case XT_RETURN:
      return {std::string(name(Verdict::return_)), false};
    case -NF_QUEUE - 1:
      return {"QUEUE", false};
    default:
      break;
    }
    if (*verdict < 0)
      return {fmt::format("verdict {}", *verdict), false};
    const auto to = static_cast<std::size_t>(*verdict);
    if (to == at + head(at).next_offset) // no target
      return {};
    const auto behind =
        std::upper_bound(chains_.begin(), chains_.end(), to,
                         [](std::size_t place, const Stretch& chain) { return place < chain.first; });
    if (behind == chains_.begin() || std::prev(behind)->last < to)
      fail(at, "a jump to no chain");
    return {std::string(std::prev(behind)->name), true};
  }

  const TableBytes& table_;
  std::vector<Stretch> chains_; ///< as they stand in the table
};

template <class Ip>
Ruleset rules_as(const TableBytes& table) {
  const Reader<Ip> reader(table);
  Ruleset ruleset{table.family, table.table, {}};
  std::string packed;
  reader.each(
      [&](const Stretch& chain) {
        if (!ruleset.chains.empty())
          ruleset.chains.back().rules.give_back_rest();
        ruleset.chains.push_back({std::string(chain.name), std::nullopt, {}});
        if (chain.built_in)
          ruleset.chains.back().policy = reader.policy(chain);
      },
      [&](std::size_t at) {
        packed.clear();
        reader.decode_to(at, packed);
        ruleset.chains.back().rules.push_back_bytes(packed);
      });
  if (!ruleset.chains.empty())
    ruleset.chains.back().rules.give_back_rest();
  return ruleset;
}

template <class Ip>
std::vector<ChainCounters> counters_as(const TableBytes& table) {
  const Reader<Ip> reader(table);
  std::vector<ChainCounters> result;
  reader.each(
      [&](const Stretch& chain) {
        result.push_back({std::string(chain.name), {}});
      },
      [&](std::size_t at) { result.back().rules.push_back(reader.counters(at)); });
  return result;
}

} // namespace

Ruleset rules_of(const TableBytes& table) {
  return table.family == Family::ipv4 ? rules_as<xtables::Ip4>(table) : rules_as<xtables::Ip6>(table);
}

std::vector<ChainCounters> counters_of(const TableBytes& table) {
  return table.family == Family::ipv4 ? counters_as<xtables::Ip4>(table) : counters_as<xtables::Ip6>(table);
}

} // namespace flowspec
