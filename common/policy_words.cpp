// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

constexpr std::size_t most_shown = 8;

/// The first ones with `separator` between them, and how many more there are.
template <class Values, class ToText>
std::string first_of(const Values& values, std::string_view separator, const ToText& to_text) {
  std::string text;
  std::size_t shown = 0;
  for (const auto& value : values) {
    if (shown++ == most_shown)
      return text + fmt::format(" and {} more", values.size() - most_shown);
    text += fmt::format("{}{}", text.empty() ? "" : separator, to_text(value));
  }
  return text;
}

std::string rate_words(const std::optional<double>& rate) {
  return rate ? fmt::format("{} B/s", *rate) : "none";
}

template <class Value>
std::string or_none(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : "none";
}

/// "1 to 20", "at least 1", "at most 20".
template <class Number>
std::string range_words(const std::optional<Number>& first, const std::optional<Number>& last) {
  if (first && last)
    return fmt::format("{} to {}", *first, *last);
  return first ? fmt::format("at least {}", *first) : fmt::format("at most {}", or_none(last));
}

/// Conditions in words, one behind the other.
class Conditions {
 public:
  template <class... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    text_ += text_.empty() ? "" : ", ";
    text_ += fmt::format(format, std::forward<Arguments>(arguments)...);
  }
  void add(std::string_view name, const std::optional<PrefixTest>& test) {
    if (!test)
      return;
    if (test->within)
      add("{} within {}", name, words(*test->within));
    if (test->overlapping)
      add("{} overlapping {}", name, words(*test->overlapping));
    if (test->shortest || test->longest)
      add("{} length {}", name, range_words(test->shortest, test->longest));
  }
  void add(std::string_view name, const std::optional<ValueTest>& test) {
    if (test && test->within)
      add("{} within {}", name, to_string(*test->within));
    if (test && test->overlapping)
      add("{} overlapping {}", name, to_string(*test->overlapping));
  }
  void add_components(std::string_view label, const std::bitset<14>& components, std::string_view separator) {
    std::string names;
    for (std::size_t number = 1; number <= component_names.size(); ++number)
      if (components[number])
        names += fmt::format("{}{}", names.empty() ? "" : separator, component_names.at(number - 1));
    if (!names.empty())
      add("{} {}", label, names);
  }
  void add_one_of(std::string_view label, const std::vector<std::string>& texts) {
    if (!texts.empty())
      add("{} {}", label, first_of(texts, " or ", [](const std::string& text) { return text; }));
  }
  std::string text() const { return text_.empty() ? "every route" : text_; }

 private:
  std::string text_;
};

std::string words(const TermMatch& match) {
  Conditions conditions;
  if (match.family)
    conditions.add("family {}", name(*match.family));
  conditions.add("destination", match.destination);
  conditions.add("source", match.source);
  conditions.add_components("with", match.present, " and ");
  conditions.add_components("without", match.absent, " or ");
  conditions.add("protocol", match.protocol);
  conditions.add("port", match.port);
  conditions.add("destination port", match.destination_port);
  conditions.add("source port", match.source_port);
  for (const ActionKind kind : match.actions)
    conditions.add("action {}", action_names.at(static_cast<std::size_t>(kind)));
  if (match.rate_above)
    conditions.add("rate above {} B/s", *match.rate_above);
  if (match.rate_below)
    conditions.add("rate below {} B/s", *match.rate_below);
  conditions.add_one_of("route target", match.route_targets);
  conditions.add_one_of("community", match.communities);
  if (match.first_sequence || match.last_sequence)
    conditions.add("sequence number {}", range_words(match.first_sequence, match.last_sequence));
  if (match.has_sequence)
    conditions.add("{} sequence number", *match.has_sequence ? "a" : "no");
  return conditions.text();
}

std::string words(const Term& term) {
  if (term.then != Term::Then::change)
    return term.then == Term::Then::accept ? "accept" : "reject";
  const TermChange& change = term.change;
  std::string text;
  const auto add = [&text](bool asked, const std::string& what) {
    if (asked)
      text += what + ", ";
  };
  add(change.delete_rate, "delete the rate");
  add(change.delete_dscp, "delete the dscp mark");
  add(change.delete_redirect, "delete the redirect");
  add(change.delete_sample, "delete sample");
  add(change.delete_sequence, "delete the sequence number");
  add(change.delete_unknown, "delete unknown actions");
  add(change.rate.has_value(), "set rate " + rate_words(change.rate));
  add(change.dscp.has_value(), "set dscp " + or_none(change.dscp));
  add(change.redirect.has_value(), "set redirect " + or_none(change.redirect));
  add(change.sequence.has_value(), "set sequence number " + or_none(change.sequence));
  add(change.sample, "add sample");
  return text + "go on";
}

} // namespace

std::string words(const PrefixSet& set) {
  return first_of(set.prefixes(), ", ", [](const Prefix& prefix) { return to_string(prefix); });
}

std::string words(const Protection& protection) {
  std::string text;
  if (protection.destination)
    text = "destination " + to_string(*protection.destination);
  if (protection.source)
    text += fmt::format("{}source {}", text.empty() ? "" : " and ", to_string(*protection.source));
  return text;
}

std::string changed_words(const Changeable& before, const Changeable& after) {
  std::string text;
  const auto add = [&text](std::string_view what, const std::string& old_words,
                           const std::string& new_words) {
    if (old_words != new_words)
      text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", what, old_words, new_words);
  };
  const auto unknown = [](const Actions& actions) {
    return actions.unknown.empty() ? std::string("none")
                                   : fmt::format("[{}]", fmt::join(actions.unknown, "] ["));
  };
  add("rate", rate_words(before.actions.rate), rate_words(after.actions.rate));
  add("dscp", or_none(before.actions.dscp_mark), or_none(after.actions.dscp_mark));
  add("redirect", or_none(before.actions.redirect), or_none(after.actions.redirect));
  add("sample", before.actions.sample ? "on" : "off", after.actions.sample ? "on" : "off");
  add("unknown actions", unknown(before.actions), unknown(after.actions));
  add("sequence", or_none(before.sequence), or_none(after.sequence));
  return text.empty() ? "no change" : text;
}

std::string name_of(const Policy& policy, const PolicyVerdict& verdict) {
  return verdict.term ? "term " + policy.terms.at(*verdict.term).name : "the default";
}

std::string policy_text(const Policy& policy) {
  std::string text;
  for (const Protection& protection : policy.protect)
    text += fmt::format("protect {}: {}\n", words(protection),
                        protection.rate_below ? fmt::format("no discard and no rate below {} B/s touches it",
                                                            *protection.rate_below)
                                              : "no entry touches it");
  for (const Term& term : policy.terms)
    text += fmt::format("term {}: {}: {}\n", term.name, words(term.match), words(term));
  return text + fmt::format("the default: {}\n", policy.accept_by_default ? "accept" : "reject");
}

} // namespace flowspec
