// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parts of a policy's document. Whatever is not as it should be is a UsageError: see strict_json.hpp.
#pragma once

#include "common/policy_words.hpp"
#include "common/strict_json.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// The largest rate there is: RFC 8955 section 7.1 sends a single-precision number.
constexpr double largest_rate = 3.4028234663852886e38;

/// The prefix lists of all documents of a policy; names are good in every one of them.
class PrefixLists {
 public:
  /// Takes "prefix_lists" of one document.
  void add(const JsonPlace& lists);
  /// To be called when all are known: what each list holds, with the lists that it names.
  void resolve();
  /// A list of prefixes and of "@NAME".
  PrefixSet read(const JsonPlace& list);
  /// Those that nothing but other unused ones named, by their names.
  std::vector<std::string> unused() const;

 private:
  struct List {
    JsonPlace place;
    PrefixSet prefixes = {};
    std::vector<List*> named = {}; ///< by it
    std::size_t levels = 0;        ///< of lists within lists, with this one; 0: not resolved yet
    bool resolving = false;
    bool used = false;
  };

  PrefixSet set_of(const JsonPlace& list, std::vector<List*>& named, std::size_t level);
  void resolve(List& list, const JsonPlace& reference, std::size_t level);
  List& find(const JsonPlace& reference, const std::string& name);

  std::map<std::string, List> lists_;
  std::size_t prefixes_ = 0; ///< in all sets that were made
};

/// "10.0.0.0/8", without bits behind its length.
Prefix read_prefix(const JsonPlace& place);
/// "65000:101", as FRR prints it.
std::string read_route_target(const JsonPlace& place);

/// `read_one` of each element of a list of one or more.
template <class Value>
std::vector<Value> read_list(const JsonPlace& place, std::string_view of_what,
                             const std::function<Value(const JsonPlace&)>& read_one) {
  std::vector<Value> result;
  const std::size_t count = place.list(of_what);
  for (std::size_t index = 0; index < count; ++index)
    result.push_back(read_one(place.element(index)));
  return result;
}

/// The place of a text among `names`, of which it has to be one.
std::size_t read_name(const JsonPlace& place, std::span<const std::string_view> names);
/// A name of a term or of a prefix list: a word for a line, a label and a command line.
std::string read_word(const JsonPlace& place, const std::string& word);

/// "match" of a term.
TermMatch read_match(const JsonPlace& place, PrefixLists& lists);
/// "then" of a term.
void read_then(const JsonPlace& place, Term& term);

} // namespace flowspec
