// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/save_rule.hpp"

#include "fetcher/match_options.hpp"
#include "fetcher/protocol_names.hpp"
#include "fetcher/rule_option.hpp"
#include "fetcher/target_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

/// The leading one bits of a netmask; none when a one follows a zero.
std::optional<unsigned> mask_length(const Address& mask) {
  unsigned length = 0;
  const unsigned bits = address_bits(mask.family);
  while (length < bits && mask.bit(length))
    ++length;
  for (unsigned i = length; i < bits; ++i)
    if (mask.bit(i))
      return std::nullopt;
  return length;
}

/// "10.0.0.0/8", "10.0.0.0/255.0.0.0" or "10.0.0.1".
Prefix read_prefix(const RuleOption& option, Family family) {
  const std::string& text = option.value();
  const auto parts = split(text, '/');
  const auto address = parse_address(parts[0]);
  if (!address || address->family != family || parts.size() > 2)
    throw UnreadablePart(fmt::format("{} {} is no {} prefix", option.name, text, name(family)));
  if (parts.size() == 1)
    return Prefix::masked(*address, address_bits(family));
  if (const auto mask = parse_address(parts[1]); mask && mask->family == family) {
    const auto length = mask_length(*mask);
    if (!length)
      throw UnreadablePart(fmt::format("{} {}: the mask has gaps", option.name, text));
    return Prefix::masked(*address, *length);
  }
  return Prefix::masked(*address, static_cast<unsigned>(number(parts[1], address_bits(family), option.name)));
}

/// A name with the options that follow it: "-m tcp --dport 80" or "-j REJECT --reject-with tcp-reset".
struct Extension {
  std::string name;
  std::vector<RuleOption> options;
};

class RuleReader {
 public:
  RuleReader(Family family, const std::function<bool(std::string_view)>& is_chain)
      : family_(family), is_chain_(is_chain) {}

  Rule read(std::span<const SaveWord> words) {
    for (const RuleOption& option : split_options(words))
      attempt([&] { place(option); });
    for (const Extension& match : matches_)
      attempt([&] {
        try {
          rule_.matches.push_back(read_match(match.name, match.options, family_));
        } catch (const UnreadablePart&) {
          rule_.matches.push_back(OpaqueMatch{match.name, 0, {}});
          throw;
        }
      });
    if (target_)
      attempt([&] { read_target_of_rule(); });
    return std::move(rule_);
  }

 private:
  /// Runs one step; the first that fails becomes the reason.
  template <typename Step>
  void attempt(Step step) {
    try {
      step();
    } catch (const UnreadablePart& part) {
      if (rule_.unreadable.empty())
        rule_.unreadable = part.what();
    }
  }

  void place(const RuleOption& option) {
    if (option.known && option.name.size() == 2) {
      if (option.name != "-m" && !seen_.insert(option.name).second)
        throw UnreadablePart(fmt::format("{} twice", option.name));
      place_own(option);
      return;
    }
    // An option belongs to the name before it; hand-written rules leave out the -m that a protocol implies.
    if (in_target_ || (!matches_.empty() && !option.known)) {
      (in_target_ ? *target_ : matches_.back()).options.push_back(option);
      return;
    }
    const auto owner = std::find_if(matches_.rbegin(), matches_.rend(), [&option](const Extension& match) {
      return has_option(match.name, option.name);
    });
    if (owner != matches_.rend()) {
      owner->options.push_back(option);
    } else if (const std::string_view implied = implied_match(option, rule_.protocol); !implied.empty()) {
      matches_.push_back({std::string(implied), {option}});
    } else {
      throw UnreadablePart(option.name);
    }
  }

  /// An option that every rule has.
  void place_own(const RuleOption& option) {
    const std::string_view key = option.name;
    if (key == "-s" || key == "-d") {
      auto& prefix = key == "-s" ? rule_.source : rule_.destination;
      auto& negated = key == "-s" ? rule_.source_negated : rule_.destination_negated;
      const Prefix read = read_prefix(option, family_);
      negated = option.negated;
      if (read.length != 0 || negated)
        prefix = read;
    } else if (key == "-i" || key == "-o") {
      auto& interface = key == "-i" ? rule_.in_interface : rule_.out_interface;
      auto& negated = key == "-i" ? rule_.in_interface_negated : rule_.out_interface_negated;
      if (option.value() != "+" || option.negated) {
        interface = option.value();
        negated = option.negated;
      }
    } else if (key == "-p") {
      const auto named = protocol_number(option.value());
      rule_.protocol = named ? *named : static_cast<std::uint8_t>(number(option.value(), 255, option.name));
      rule_.protocol_negated = option.negated;
      if (option.negated && rule_.protocol == 0)
        throw UnreadablePart("! -p all");
    } else if (key == "-f") {
      rule_.later_fragments = true;
      rule_.later_fragments_negated = option.negated;
    } else {
      option.must_be_plain();
      in_target_ = key != "-m";
      if (in_target_) {
        target_ = Extension{option.value(), {}};
        go_to_ = key == "-g";
      } else {
        matches_.push_back({option.value(), {}});
      }
    }
  }

  void read_target_of_rule() {
    const std::string& name = target_->name;
    if (is_chain_(name)) {
      take_target_without_options(Jump{name, go_to_});
      return;
    }
    for (const Verdict verdict : {Verdict::accept, Verdict::drop, Verdict::return_})
      if (name == flowspec::name(verdict) && !go_to_) {
        take_target_without_options(verdict);
        return;
      }
    if (!go_to_) {
      read_target(rule_.target, name, target_->options, family_);
      return;
    }
    rule_.target = OpaqueTarget{name, 0, {}};
    throw UnreadablePart(fmt::format("-g {}", name));
  }

  void take_target_without_options(Target target) {
    rule_.target = std::move(target);
    if (!target_->options.empty())
      throw UnreadablePart(fmt::format("{} of -j {}", target_->options.front().name, target_->name));
  }

  Family family_;
  const std::function<bool(std::string_view)>& is_chain_;
  Rule rule_;
  std::vector<Extension> matches_;
  std::optional<Extension> target_;
  bool in_target_ = false; ///< options belong to the target
  bool go_to_ = false;
  std::set<std::string> seen_; ///< a rule has each of its own options once
};

} // namespace

Rule read_rule(std::span<const SaveWord> words, Family family,
               const std::function<bool(std::string_view)>& is_chain) {
  return RuleReader(family, is_chain).read(words);
}

} // namespace flowspec
