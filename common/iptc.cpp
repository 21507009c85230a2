// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/iptc.hpp"

#include "common/chain_edits.hpp"
#include "common/heap_room.hpp"
#include "common/table_words.hpp"
#include "common/target_codec.hpp"
#include "common/xtables_codec.hpp"
#include "common/xtables_probe.hpp"

#include <fmt/format.h>
extern "C" { // libip6tc.h of iptables 1.8 has no such guard of its own
#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
}
#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <variant>

namespace flowspec {

namespace {

/// libip4tc and libip6tc are the same source compiled twice.
struct Ip4tc {
  using Entry = ipt_entry;
  static constexpr Family family = Family::ipv4;
  static constexpr auto init = iptc_init;
  static constexpr auto free = iptc_free;
  static constexpr auto is_chain = iptc_is_chain;
  static constexpr auto builtin = iptc_builtin;
  static constexpr auto first_chain = iptc_first_chain;
  static constexpr auto next_chain = iptc_next_chain;
  static constexpr auto first_rule = iptc_first_rule;
  static constexpr auto next_rule = iptc_next_rule;
  static constexpr auto target = iptc_get_target;
  static constexpr auto policy = iptc_get_policy;
  static constexpr auto set_policy = iptc_set_policy;
  static constexpr auto create_chain = iptc_create_chain;
  static constexpr auto delete_chain = iptc_delete_chain;
  static constexpr auto append_entry = iptc_append_entry;
  static constexpr auto insert_entry = iptc_insert_entry;
  static constexpr auto delete_entry = iptc_delete_num_entry;
  static constexpr auto flush_entries = iptc_flush_entries;
  static constexpr auto commit = iptc_commit;
  static constexpr auto error_text = iptc_strerror;
};

struct Ip6tc {
  using Entry = ip6t_entry;
  static constexpr Family family = Family::ipv6;
  static constexpr auto init = ip6tc_init;
  static constexpr auto free = ip6tc_free;
  static constexpr auto is_chain = ip6tc_is_chain;
  static constexpr auto builtin = ip6tc_builtin;
  static constexpr auto first_chain = ip6tc_first_chain;
  static constexpr auto next_chain = ip6tc_next_chain;
  static constexpr auto first_rule = ip6tc_first_rule;
  static constexpr auto next_rule = ip6tc_next_rule;
  static constexpr auto target = ip6tc_get_target;
  static constexpr auto policy = ip6tc_get_policy;
  static constexpr auto set_policy = ip6tc_set_policy;
  static constexpr auto create_chain = ip6tc_create_chain;
  static constexpr auto delete_chain = ip6tc_delete_chain;
  static constexpr auto append_entry = ip6tc_append_entry;
  static constexpr auto insert_entry = ip6tc_insert_entry;
  static constexpr auto delete_entry = ip6tc_delete_num_entry;
  static constexpr auto flush_entries = ip6tc_flush_entries;
  static constexpr auto commit = ip6tc_commit;
  static constexpr auto error_text = ip6tc_strerror;
};

constexpr std::size_t longest_chain_name =
    XT_EXTENSION_MAXNAMELEN - 1; ///< a jump has it in place of a target's

/// Why libiptc would not take an edit. Its own texts fit only when it called no other function of its own
/// meanwhile.
std::string edit_trouble(int code) {
  switch (code) {
  case ENOENT:
    return "no such chain";
  case EEXIST:
    return "there is one already, or a verdict of that name";
  case ENOTEMPTY:
    return "it has rules";
  case EMLINK:
    return "a rule jumps to it";
  case EINVAL:
    return "it is built in";
  case E2BIG:
    return "no such rule";
  default:
    return std::generic_category().message(code);
  }
}

/// A rule with a comment and a match or two, in libiptc's own words; the most that is expected of many.
constexpr std::size_t room_of_rule = 768;

template <class Tc>
class TableOf {
 public:
  explicit TableOf(const std::string& table) : table_(table), handle_(Tc::init(table.c_str())) {
    if (!handle_)
      fail("read", errno);
  }

  Ruleset read() const;
  void commit(const std::vector<Edit>& edits);

 private:
  struct Free {
    void operator()(xtc_handle* handle) const { Tc::free(handle); }
  };

  std::string title() const { return table_title(Tc::family, table_); }

  [[noreturn]] void fail(std::string_view attempt, int code) const {
    const std::string cause = table_trouble(code, Tc::family, table_);
    throw Error(fmt::format("{} {}: {}", attempt, title(), cause.empty() ? Tc::error_text(code) : cause));
  }
  [[noreturn]] void changed() const {
    throw TableChanged(fmt::format("commit {}: somebody changed it since it was read", title()));
  }
  /// libiptc gives 0 and an errno for what it cannot do.
  void expect(int success, const std::string& attempt) const {
    if (!success)
      throw Error(fmt::format("{} {}: {}", attempt, title(), edit_trouble(errno)));
  }

  template <class Visit>
  void each_rule(const char* chain, Visit visit) const;
  /// Where libiptc keeps the names of chains. That of a rule's target lies there when it is a chain; one of
  /// an extension, which may be called the same, in the rule.
  using Names = std::unordered_set<const char*>;
  enum class ChainKind { none, built_in, users };

  Chain read_chain(const char* name, const Names& chains) const;
  void read_rule(const typename Tc::Entry* entry, const Names& chains, std::string& to) const;
  void keep_policy_counters();
  ChainKind kind_of(const std::string& name) const;
  bool is_chain(const std::string& name) const { return kind_of(name) != ChainKind::none; }
  std::size_t& rules_of(const std::string& chain);
  std::size_t look_again();
  bool fill(const std::string& chain, const ChainEdits& edits);
  void carry_out(const std::vector<Edit>& edits);
  void carry_out(const CreateChain& edit);
  void carry_out(const DeleteChain& edit);
  void carry_out(const InsertRule& edit);
  void carry_out(const DeleteRule& edit);

  std::string table_;
  std::unique_ptr<xtc_handle, Free> handle_;
  std::vector<std::byte> bytes_;                              ///< of the rule that is written now
  std::unordered_map<std::string, std::size_t> rule_counts_;  ///< of the chains that an edit touched
  mutable std::unordered_map<std::string, ChainKind> chains_; ///< what has these names
};

template <class Tc>
Ruleset TableOf<Tc>::read() const {
  Ruleset ruleset{Tc::family, table_, {}};
  Names chains;
  for (const char* chain = Tc::first_chain(handle_.get()); chain; chain = Tc::next_chain(handle_.get()))
    chains.insert(chain);
  for (const char* chain = Tc::first_chain(handle_.get()); chain; chain = Tc::next_chain(handle_.get()))
    ruleset.chains.push_back(read_chain(chain, chains));
  return ruleset;
}

template <class Tc>
template <class Visit>
void TableOf<Tc>::each_rule(const char* chain, Visit visit) const {
  for (const auto* entry = Tc::first_rule(chain, handle_.get()); entry;
       entry = Tc::next_rule(entry, handle_.get()))
    visit(entry);
}

template <class Tc>
Chain TableOf<Tc>::read_chain(const char* name, const Names& chains) const {
  Chain chain{name, std::nullopt, {}};
  if (Tc::builtin(name, handle_.get())) {
    xt_counters counters{};
    const std::string_view policy = Tc::policy(name, &counters, handle_.get());
    chain.policy =
        policy == flowspec::name(Verdict::drop) ? Verdict::drop : Verdict::accept; // it knows no third
  }
  std::string packed;
  each_rule(name, [&](const auto* entry) {
    packed.clear();
    read_rule(entry, chains, packed);
    chain.rules.push_back_bytes(packed);
  });
  chain.rules.give_back_rest();
  return chain;
}

template <class Tc>
void TableOf<Tc>::read_rule(const typename Tc::Entry* entry, const Names& chains, std::string& to) const {
  const std::span bytes(reinterpret_cast<const std::byte*>(entry), entry->next_offset);
  const char* target = Tc::target(entry, handle_.get());
  decode_packed(bytes, Tc::family, target, chains.contains(target), to);
}

/// libiptc starts the counters of every policy again at each commit; setting what was read keeps them, but
/// for packets that come in between.
template <class Tc>
void TableOf<Tc>::keep_policy_counters() {
  for (const char* chain = Tc::first_chain(handle_.get()); chain; chain = Tc::next_chain(handle_.get())) {
    xt_counters counters{};
    if (const char* policy = Tc::policy(chain, &counters, handle_.get()))
      expect(Tc::set_policy(chain, policy, &counters, handle_.get()),
             "keep the policy of " + std::string(chain) + " in");
  }
}

/// libiptc searches for a name each time.
template <class Tc>
auto TableOf<Tc>::kind_of(const std::string& name) const -> ChainKind {
  const auto [at, fresh] = chains_.try_emplace(name, ChainKind::none);
  if (fresh && Tc::is_chain(name.c_str(), handle_.get()) != 0)
    at->second = Tc::builtin(name.c_str(), handle_.get()) != 0 ? ChainKind::built_in : ChainKind::users;
  return at->second;
}

/// Counted once and then kept: libiptc does not tell, and walks the chain for every number it is given.
template <class Tc>
std::size_t& TableOf<Tc>::rules_of(const std::string& chain) {
  const auto [it, fresh] = rule_counts_.try_emplace(chain, 0);
  if (fresh)
    each_rule(chain.c_str(), [&count = it->second](const auto*) { ++count; });
  return it->second;
}

template <class Tc>
void TableOf<Tc>::carry_out(const CreateChain& edit) {
  if (edit.chain.empty() || edit.chain.size() > longest_chain_name)
    throw Error(fmt::format("create chain {} in {}: a name has 1 to {} bytes", edit.chain, title(),
                            longest_chain_name));
  expect(Tc::create_chain(edit.chain.c_str(), handle_.get()), fmt::format("create chain {} in", edit.chain));
  rule_counts_.insert_or_assign(edit.chain, 0);
  chains_[edit.chain] = ChainKind::users;
}

template <class Tc>
void TableOf<Tc>::carry_out(const DeleteChain& edit) {
  expect(Tc::delete_chain(edit.chain.c_str(), handle_.get()), fmt::format("delete chain {} of", edit.chain));
  rule_counts_.erase(edit.chain);
  chains_[edit.chain] = ChainKind::none;
}

template <class Tc>
void TableOf<Tc>::carry_out(const InsertRule& edit) {
  const auto attempt = [&] {
    return fmt::format("insert rule {} of chain {} in", edit.index + 1, edit.chain);
  };
  const auto refuse = [&](std::string_view cause) {
    throw Error(fmt::format("{} {}: {}", attempt(), title(), cause));
  };
  if (!is_chain(edit.chain))
    refuse("no such chain");
  const Rule rule = edit.rule.rule();
  // libiptc takes a name first for a chain and then for an extension.
  if (const auto* jump = std::get_if<Jump>(&rule.target))
    if (kind_of(jump->chain) != ChainKind::users)
      refuse("it jumps to " + jump->chain + ", which is no chain of the user's");
  bytes_.clear();
  try {
    encode_into(bytes_, rule, Tc::family);
  } catch (const std::invalid_argument& e) {
    refuse(e.what());
  }
  if (xtables::is_extension(rule.target)) {
    const std::string name(xtables::encode_target(rule.target, Tc::family).name);
    if (is_chain(name))
      refuse(fmt::format("a chain named {} hides the target of that name", name));
  }
  std::size_t& count = rules_of(edit.chain);
  if (edit.index > count)
    refuse(fmt::format("the chain has {} rules", count));
  const auto* entry = reinterpret_cast<const typename Tc::Entry*>(bytes_.data());
  const auto position = static_cast<unsigned>(edit.index);
  if (!(edit.index == count ? Tc::append_entry(edit.chain.c_str(), entry, handle_.get())
                            : Tc::insert_entry(edit.chain.c_str(), entry, position, handle_.get())))
    expect(0, attempt());
  ++count;
}

template <class Tc>
void TableOf<Tc>::carry_out(const DeleteRule& edit) {
  if (!Tc::delete_entry(edit.chain.c_str(), static_cast<unsigned>(edit.index), handle_.get()))
    expect(0, fmt::format("delete rule {} of chain {} in", edit.index + 1, edit.chain));
  if (const auto it = rule_counts_.find(edit.chain); it != rule_counts_.end())
    --it->second;
}

/// The kernel itself would notice only that the number of rules is another, and whoever takes the lock waits.
/// So this is for those who put a rule in the place of another without the lock. A large table takes so long
/// to read that as much could happen during the commit behind it. How many rules there are.
template <class Tc>
std::size_t TableOf<Tc>::look_again() {
  constexpr std::size_t most_read_again = 5'000;
  std::size_t rules = 0;
  for (const char* chain = Tc::first_chain(handle_.get()); chain; chain = Tc::next_chain(handle_.get()))
    each_rule(chain, [&](const auto*) { ++rules; });
  if (rules > most_read_again)
    return rules;
  TableOf now(table_);
  if (now.read() != read())
    changed();
  handle_ = std::move(now.handle_);
  chains_.clear();
  return rules;
}

/// What stands at `at`, in the chain's own bytes, as libiptc takes it.
template <class Tc>
std::vector<std::byte> as_new(const typename Tc::Entry* at, xtc_handle* handle) {
  const auto* first = reinterpret_cast<const std::byte*>(at);
  std::vector<std::byte> bytes(first, first + at->next_offset);
  auto* target = reinterpret_cast<xt_entry_target*>(bytes.data() + at->target_offset);
  // That of a verdict or a jump has no name in the kernel, where its place says what it is.
  if (target->u.user.name[0] == '\0') {
    std::ranges::fill(target->u.user.name, '\0'); // the kernel writes no more than one
    std::string_view(Tc::target(at, handle)).copy(target->u.user.name, sizeof target->u.user.name - 1);
  }
  return bytes;
}

/// libiptc walks the chain for every number it is given: many edits within a long chain are quicker done by
/// filling it anew. The rules that stay then go on from the counters that they were read with. False: nothing
/// was done, since that is no quicker.
template <class Tc>
bool TableOf<Tc>::fill(const std::string& chain, const ChainEdits& edits) {
  constexpr std::size_t most_steps = 10'000'000;
  if (!edits.in_order || !is_chain(chain) || edits.steps(rules_of(chain)) <= most_steps)
    return false;
  std::vector<std::vector<std::byte>> former;
  each_rule(chain.c_str(), [&](const auto* entry) { former.push_back(as_new<Tc>(entry, handle_.get())); });
  const std::vector<Filling> wanted = filling(former.size(), edits);
  expect(Tc::flush_entries(chain.c_str(), handle_.get()), fmt::format("empty chain {} of", chain));
  std::size_t& count = rules_of(chain) = 0;
  for (const Filling& rule : wanted) {
    if (const auto* insertion = std::get_if<const InsertRule*>(&rule)) {
      carry_out(**insertion);
      continue;
    }
    std::vector<std::byte>& bytes = former[std::get<std::size_t>(rule)];
    expect(Tc::append_entry(chain.c_str(), reinterpret_cast<const typename Tc::Entry*>(bytes.data()),
                            handle_.get()),
           fmt::format("put back rule {} of chain {} in", std::get<std::size_t>(rule) + 1, chain));
    bytes = {};
    ++count;
  }
  return true;
}

template <class Tc>
void TableOf<Tc>::carry_out(const std::vector<Edit>& edits) {
  const std::unordered_map<std::string, ChainEdits> chains = edits_by_chain(edits);
  std::unordered_map<std::string_view, bool> filled;
  for (const Edit& edit : edits) {
    const auto done_already = [&](const std::string& chain) {
      const auto [at, fresh] = filled.try_emplace(chain, false);
      if (fresh)
        at->second = fill(chain, chains.at(chain));
      return at->second;
    };
    const auto* deletion = std::get_if<DeleteRule>(&edit);
    const auto* insertion = std::get_if<InsertRule>(&edit);
    if ((deletion != nullptr && done_already(deletion->chain)) ||
        (insertion != nullptr && done_already(insertion->chain)))
      continue;
    std::visit([this](const auto& step) { this->carry_out(step); }, edit);
  }
}

template <class Tc>
void TableOf<Tc>::commit(const std::vector<Edit>& edits) {
  if (edits.empty())
    return;
  const std::size_t rules = look_again() + edits.size(); // at most
  keep_policy_counters();
  {
    const HeapRoom room(rules * room_of_rule);
    carry_out(edits);
  }
  malloc_trim(0); // libiptc has the table twice, and makes it a third time now
  const HeapRoom room(rules * room_of_rule);
  if (Tc::commit(handle_.get()))
    return;
  const int code = errno;
  if (code == EAGAIN)
    changed();
  if (code == EPERM || code == ENOPROTOOPT)
    fail("commit", code);
  if (const std::string missing = missing_extensions(edits, Tc::family); !missing.empty())
    throw Error(fmt::format("commit {}: this kernel lacks {}", title(), missing));
  if (code == ELOOP)
    throw Error(fmt::format("commit {}: its chains would jump in a circle", title()));
  throw Error(
      fmt::format("commit {}: the kernel refused one of the new rules: {} (its log may say which: dmesg)",
                  title(), std::generic_category().message(code)));
}

} // namespace

struct KernelTable::Snapshot {
  std::variant<TableOf<Ip4tc>, TableOf<Ip6tc>> table;
};

KernelTable::KernelTable(Family family, const std::string& table)
    : snapshot_(family == Family::ipv4 ? new Snapshot{TableOf<Ip4tc>(table)}
                                       : new Snapshot{TableOf<Ip6tc>(table)}) {}

KernelTable::~KernelTable() = default;
KernelTable::KernelTable(KernelTable&&) noexcept = default;
KernelTable& KernelTable::operator=(KernelTable&&) noexcept = default;

Ruleset KernelTable::read() const {
  return std::visit([](const auto& table) { return table.read(); }, snapshot_->table);
}

void KernelTable::commit(const std::vector<Edit>& edits) {
  std::visit([&](auto& table) { table.commit(edits); }, snapshot_->table);
}

} // namespace flowspec
