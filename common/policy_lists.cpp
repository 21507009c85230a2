// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy_reader.hpp"
#include "common/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace flowspec {

namespace {

/// Far more than anybody writes, and little enough to be followed on the stack.
constexpr std::size_t most_levels = 64;
/// Some 100 MB of them. Lists that name lists could ask for any number.
constexpr std::size_t most_prefixes = 5'000'000;

bool is_word_character(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '_' || character == '-' || character == '.';
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '-' && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), is_word_character);
}

} // namespace

std::string read_word(const JsonPlace& place, const std::string& word) {
  if (!is_word(word))
    place.refuse(
        fmt::format("expected a name of 1 to 64 letters, digits, \"_\", \"-\" and \".\", found \"{}\"",
                    one_line(word.substr(0, 70))));
  return word;
}

Prefix read_prefix(const JsonPlace& place) {
  constexpr std::string_view what = "a prefix as in \"10.0.0.0/8\" or \"2001:db8::/32\"";
  const std::string& text = place.text(what);
  const std::optional<Prefix> prefix = parse_prefix(text);
  const std::size_t slash = text.find('/');
  const std::optional<Address> address = parse_address(std::string_view(text).substr(0, slash));
  if (!prefix || !address || (text[slash + 1] == '0' && text.size() > slash + 2))
    place.expected(what);
  if (prefix->address != *address)
    place.refuse(
        fmt::format("\"{}\" has bits behind its length; expected \"{}\", or \"{}/{}\" for that address", text,
                    to_string(*prefix), to_string(*address), address_bits(address->family)));
  return *prefix;
}

void PrefixLists::add(const JsonPlace& lists) {
  if (!lists.value().is_object())
    lists.expected("an object with a list of prefixes for each name");
  for (const auto& [name, value] : lists.value().items()) {
    const JsonPlace place = lists.member(name);
    read_word(place, name);
    const auto [known, is_new] = lists_.try_emplace(name, List{place});
    if (!is_new)
      place.refuse(fmt::format("expected another name: {} has such a list at {}", known->second.place.file(),
                               known->second.place.path()));
  }
}

void PrefixLists::resolve() {
  for (auto& [name, list] : lists_)
    resolve(list, list.place, 1);
}

void PrefixLists::resolve(List& list, const JsonPlace& reference, std::size_t level) {
  if (list.resolving)
    reference.refuse("expected no list that names, by itself or by others, the list that it stands in");
  if (list.levels == 0) {
    list.resolving = true;
    list.prefixes = set_of(list.place, list.named, level);
    list.resolving = false;
    for (const List* named : list.named)
      list.levels = std::max(list.levels, named->levels);
    ++list.levels;
  }
  if (list.levels + level > most_levels + 1)
    reference.refuse(fmt::format("expected no more than {} lists within lists", most_levels));
}

PrefixLists::List& PrefixLists::find(const JsonPlace& reference, const std::string& name) {
  const auto found = lists_.find(name);
  if (found == lists_.end())
    reference.expected("\"@\" and the name of a prefix list that there is");
  return found->second;
}

PrefixSet PrefixLists::set_of(const JsonPlace& list, std::vector<List*>& named, std::size_t level) {
  std::vector<Prefix> prefixes;
  const std::size_t count = list.list("prefixes, or \"@NAME\" for those of a list");
  for (std::size_t index = 0; index < count; ++index) {
    const JsonPlace place = list.element(index);
    const std::string& text = place.text("a prefix, or \"@NAME\" for those of a list");
    const std::size_t before = prefixes.size();
    if (text.starts_with('@')) {
      List& other = find(place, text.substr(1));
      if (level > most_levels)
        place.refuse(fmt::format("expected no more than {} lists within lists", most_levels));
      resolve(other, place, level + 1);
      prefixes.insert(prefixes.end(), other.prefixes.prefixes().begin(), other.prefixes.prefixes().end());
      named.push_back(&other);
    } else {
      prefixes.push_back(read_prefix(place));
    }
    prefixes_ += prefixes.size() - before;
    if (prefixes_ > most_prefixes)
      place.refuse(fmt::format(
          "expected no more than {} prefixes in all, with those of every list that is named", most_prefixes));
  }
  return PrefixSet(std::move(prefixes));
}

PrefixSet PrefixLists::read(const JsonPlace& list) {
  std::vector<List*> reached;
  PrefixSet result = set_of(list, reached, 0);
  while (!reached.empty()) {
    List* next = reached.back();
    reached.pop_back();
    if (std::exchange(next->used, true))
      continue;
    reached.insert(reached.end(), next->named.begin(), next->named.end());
  }
  return result;
}

std::vector<std::string> PrefixLists::unused() const {
  std::vector<std::string> result;
  for (const auto& [name, list] : lists_)
    if (!list.used)
      result.push_back(name);
  return result;
}

} // namespace flowspec
