// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tampering.hpp"

#include "injector/compile.hpp"
#include "injector/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace flowspec {

namespace {

/// A mark against accidents and other programs, not against somebody who forges it: who may write
/// rules may do anything.
class Digest {
 public:
  void add(std::string_view text) {
    mix(text.size()); // "ab", "c" is not "a", "bc"
    for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t)))
      mix(word(text));
    mix(word(text));
  }
  std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  static std::uint64_t word(std::string_view text) {
    std::uint64_t value = 0;
    std::memcpy(&value, text.data(), std::min(text.size(), sizeof value));
    return value;
  }
  void mix(std::uint64_t word) {
    value_ = (value_ ^ word) * 0x9e3779b97f4a7c15U;
    value_ ^= value_ >> 29;
  }
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

bool is_bare_jump(const Rule& rule, const Ownership& ours) {
  const auto* jump = std::get_if<Jump>(&rule.target);
  return jump != nullptr && ours.owns(jump->chain) && rule == Hook{"", jump->chain}.jump();
}

std::size_t place_of(const Hook& hook, const Chain& parent) {
  return static_cast<std::size_t>(std::find(parent.rules.begin(), parent.rules.end(), hook.jump()) -
                                  parent.rules.begin());
}

} // namespace

std::string digest(const Ruleset& ruleset, const std::vector<Hook>& hooks, const Ownership& ours) {
  const auto is_parent = [&hooks](const std::string& chain) {
    return std::any_of(hooks.begin(), hooks.end(), [&](const Hook& hook) { return hook.parent == chain; });
  };
  // In an order of its own: libiptc puts chains that are new where it likes.
  std::vector<const Chain*> by_name;
  by_name.reserve(ruleset.chains.size());
  for (const Chain& chain : ruleset.chains)
    by_name.push_back(&chain);
  const auto before = [](const Chain* a, const Chain* b) { return a->name < b->name; };
  if (!std::is_sorted(by_name.begin(), by_name.end(), before))
    std::sort(by_name.begin(), by_name.end(), before);
  Digest digest;
  for (const Chain* const at : by_name) {
    const Chain& chain = *at;
    if (ours.owns(chain.name)) {
      digest.add(chain.name);
      for (std::size_t rule = 0; rule < chain.rules.size(); ++rule)
        digest.add(chain.rules.bytes(rule));
      continue;
    }
    if (!is_parent(chain.name)) // a jump there is somebody else's own
      continue;
    for (const Rule& rule : chain.rules)
      if (is_bare_jump(rule, ours)) {
        digest.add(chain.name);
        digest.add(std::get<Jump>(rule.target).chain);
        digest.add(comes_first({chain.name, std::get<Jump>(rule.target).chain}, ruleset) ? "first" : "later");
      }
  }
  return digest.text();
}

const TableMark* mark_of(const Ruleset& table, const State& state) {
  const auto found = std::find_if(state.marks.begin(), state.marks.end(), [&](const TableMark& mark) {
    return mark.family == table.family && mark.table == table.table;
  });
  return found == state.marks.end() ? nullptr : &*found;
}

void set_mark(const Ruleset& table, std::vector<std::string> digests, State& state) {
  std::erase_if(state.marks, [&](const TableMark& mark) {
    return mark.family == table.family && mark.table == table.table;
  });
  state.marks.push_back({table.family, table.table, std::move(digests)});
}

std::vector<Tampering> tampering(const Changes& changes, const std::vector<Hook>& hooks,
                                 const Ownership& ours, const TableMark& mark) {
  const Ruleset& now = changes.before;
  std::vector<Tampering> found;
  if (changes.edits.empty() || mark.digests.empty() ||
      std::find(mark.digests.begin(), mark.digests.end(), digest(now, hooks, ours)) != mark.digests.end())
    return found;
  const auto add = [&](const char* kind, std::string what) {
    found.push_back({now.family, now.table, kind, std::move(what)});
  };
  if (now.find(ours.chain) == nullptr && changes.after.find(ours.chain) != nullptr)
    add("chain-gone", fmt::format("chain {} was gone", ours.chain));
  for (const Hook& hook : hooks) {
    const Chain* parent = now.find(hook.parent);
    if (!hook.wanted || parent == nullptr)
      continue;
    const std::size_t place = place_of(hook, *parent);
    if (place == parent->rules.size())
      add("jump-gone", fmt::format("the jump from {} to {} was gone", hook.parent, hook.chain));
    else if (!comes_first(hook, now))
      add("jump-moved", fmt::format("{} stood before the jump from {} to {}", counted(place, "rule"),
                                    hook.parent, hook.chain));
    else if (std::count(parent->rules.begin(), parent->rules.end(), hook.jump()) > 1)
      add("jump-moved", fmt::format("there was a second jump from {} to {}", hook.parent, hook.chain));
  }
  if (found.empty())
    add("rules-changed", fmt::format("rules or chains of {} were changed", ours.chain));
  return found;
}

std::set<std::string> installed_ids(const Ruleset& ruleset, const Ownership& ours) {
  std::set<std::string> ids;
  for (const Chain& chain : ruleset.chains)
    if (ours.owns(chain.name))
      for (const Rule& rule : chain.rules)
        if (std::optional<std::string> id = entry_id(rule))
          ids.insert(std::move(*id));
  return ids;
}

} // namespace flowspec
